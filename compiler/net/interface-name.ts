/** Whether `text` can name an interface: the kernel's rule (dev_valid_name), less what would need quoting in rules. */
export function isInterfaceName(text: string): boolean {
  return /^[A-Za-z0-9_.@~+=-]{1,15}$/.test(text) && text !== "." && text !== "..";
}
