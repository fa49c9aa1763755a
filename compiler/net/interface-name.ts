/** Whether `text` can name an interface: the kernel's rule (dev_valid_name), less what would need quoting in rules. */
export function isInterfaceName(text: string): boolean {
  return /^[A-Za-z0-9_.@~+=-]{1,15}$/.test(text) && text !== "." && text !== "..";
}

/** Whether the kernel lets an interface have this name (net/core/dev.c, dev_valid_name). Names with control characters are left
 *  out as well: nobody has those. */
export function canNameInterface(name: string): boolean {
  return (
    name !== "." && name !== ".." && /^[^\s/:\p{Cc}\p{Cs}]+$/u.test(name) && new TextEncoder().encode(name).length <= 15
  );
}
