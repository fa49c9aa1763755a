/** The path that nginx compares: decoded, without dot segments and doubled slashes. */
export function normalisePath(path: string): string {
  const decoded = path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const kept: string[] = [];
  const parts = decoded.split("/").slice(1);
  for (const [i, part] of parts.entries()) {
    const isLast = i === parts.length - 1;
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
    if (isLast && (part === "" || part === "." || part === "..")) kept.push("");
  }
  return `/${kept.join("/")}`;
}
