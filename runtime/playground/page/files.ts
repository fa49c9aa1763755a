/** The list of files: tabs, and what is dropped on the page. */
import type { InputFile } from "../protocol.ts";
import { h } from "./dom.ts";
import type { Store } from "./state.ts";

/** Draws the tabs of files into `list`, anew with each change of their names. */
export function showFiles(list: HTMLElement, store: Store): void {
  const { files, open } = store.state;
  const tabs = files.map(({ name }) => {
    const tab = h("button", { type: "button", class: "file", "aria-pressed": name === open }, name);
    tab.addEventListener("click", () => store.set({ open: name }));
    return tab;
  });
  const add = h("button", { type: "button", class: "file", "aria-label": "new file" }, "+");
  add.addEventListener("click", () => addFiles(store, [{ name: freeName(files), text: "" }]));
  const remove = h(
    "button",
    { type: "button", class: "file", "aria-label": `remove ${open}`, disabled: files.length < 2 },
    "–",
  );
  remove.addEventListener("click", () => {
    const rest = files.filter(({ name }) => name !== open);
    store.set({ files: rest, open: rest[0]?.name ?? "" });
  });
  list.replaceChildren(...tabs, add, remove);
}

function freeName(files: readonly InputFile[]): string {
  const taken = new Set(files.map(({ name }) => name));
  let count = 1;
  while (taken.has(`file-${count}.yaml`)) count++;
  return `file-${count}.yaml`;
}

/** Adds files, in place of those of the same names, and opens the first. */
export function addFiles(store: Store, added: readonly InputFile[]): void {
  const [first] = added;
  if (first === undefined) return;
  const names = new Set(added.map(({ name }) => name));
  store.set({ files: [...store.state.files.filter(({ name }) => !names.has(name)), ...added], open: first.name });
}

/** Takes files and folders that are dropped on the page, in place of all that is there if a folder is among them. */
export function takeDrops(target: HTMLElement, store: Store, onTrouble: (text: string) => void): void {
  target.addEventListener("dragover", (event) => event.preventDefault());
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    const entries = [...(event.dataTransfer?.items ?? [])].flatMap((item) => item.webkitGetAsEntry() ?? []);
    void Promise.all(entries.map((entry) => filesBelow(entry, ""))).then(
      (found) => {
        const files = found.flat();
        if (files.length === 0) return onTrouble("nothing to read was dropped: expected files of YAML, JSON or rules");
        if (entries.some(({ isDirectory }) => isDirectory)) store.set({ files, open: files[0]?.name ?? "" });
        else addFiles(store, files);
      },
      (error: unknown) => onTrouble(`a dropped file cannot be read: ${String(error)}`),
    );
  });
}

const READ = /\.(?:ya?ml|json|txt|nft|rules|save|conf|v4|v6)$|^[^.]+$/;

async function filesBelow(entry: FileSystemEntry, folder: string): Promise<InputFile[]> {
  const name = `${folder}${entry.name}`;
  if (entry.isFile) {
    if (!READ.test(entry.name)) return [];
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ name, text: await file.text() }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FileSystemEntry[] = [];
  // A reader gives a hundred at a time.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    found.push(...some);
  }
  const below = await Promise.all(
    found.sort((a, b) => (a.name < b.name ? -1 : 1)).map((each) => filesBelow(each, `${name}/`)),
  );
  return below.flat();
}
