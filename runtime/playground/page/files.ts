/** The list of files: tabs, what is done with files, and what is dropped on the page. */
import type { InputFile } from "../protocol.ts";
import { byId, h } from "./dom.ts";
import type { Store } from "./state.ts";

/** Draws the tabs of files, anew with each change of their names. */
export function showFiles(store: Store): void {
  const { files, open } = store.state;
  const tabs = files.map(({ name }) => {
    const tab = h("button", { type: "button", class: "file", "aria-pressed": name === open }, name);
    tab.addEventListener("click", () => store.set({ open: name }));
    return tab;
  });
  byId("files").replaceChildren(...tabs);
  tabs.find((tab) => tab.textContent === open)?.scrollIntoView({ block: "nearest" });
  byId("remove").toggleAttribute("disabled", files.length < 2);
}

/** Wires the buttons above the tabs. */
export function listenToFiles(store: Store, onTrouble: (text: string) => void): void {
  byId("new").addEventListener("click", () => addFiles(store, [{ name: freeName(store.state.files), text: "" }]));
  byId("rename").addEventListener("click", () => rename(store, onTrouble));
  byId("files").addEventListener("dblclick", () => rename(store, onTrouble));
  byId("remove").addEventListener("click", () => {
    const { files, open } = store.state;
    const at = files.findIndex(({ name }) => name === open);
    const rest = files.filter(({ name }) => name !== open);
    store.set({ files: rest, open: rest[Math.min(at, rest.length - 1)]?.name ?? "" });
  });
  const chosen = byId("open-files") as HTMLInputElement;
  byId("open").addEventListener("click", () => chosen.click());
  chosen.addEventListener("change", async () => {
    const read = [...(chosen.files ?? [])].map(async (file) => ({ name: file.name, text: await file.text() }));
    addFiles(store, await Promise.all(read));
    chosen.value = "";
  });
}

/** Puts a field in place of the open file's tab. Enter takes its name, Escape leaves the old one. */
function rename(store: Store, onTrouble: (text: string) => void): void {
  const { open } = store.state;
  const tab = [...byId("files").children].find(({ textContent }) => textContent === open);
  const field = h("input", {
    class: "file",
    "aria-label": `new name of ${open}`,
    spellcheck: "false",
    size: open.length + 2,
  });
  field.value = open;
  tab?.replaceWith(field);
  field.focus();
  field.select();
  const end = (name: string): void => {
    const { files } = store.state;
    const isTaken = name !== open && files.some((file) => file.name === name);
    if (isTaken) onTrouble(`another file is called ${name}`);
    const renamed = (file: InputFile): InputFile => (file.name === open ? { name, text: file.text } : file);
    if (name !== "" && name !== open && !isTaken) store.set({ files: files.map(renamed), open: name });
    else showFiles(store);
  };
  const onBlur = (): void => end(field.value.trim());
  field.addEventListener("blur", onBlur);
  field.addEventListener("keydown", (event) => {
    const { key } = event;
    if (key !== "Enter" && key !== "Escape") return;
    // The button that gets the focus is not pressed by the same key.
    event.preventDefault();
    field.removeEventListener("blur", onBlur);
    end(key === "Enter" ? field.value.trim() : open);
    byId("rename").focus();
  });
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
