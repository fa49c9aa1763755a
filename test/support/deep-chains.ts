/** Chains behind one another. */

/** `count` of them, the first behind a base chain, or behind none; `way`: how each leads to the next one. */
export function deepNft(count: number, way: (target: string) => string, base = "jump r1"): string {
  const chains = Array.from({ length: count }, (_, i) =>
    i + 1 < count ? `chain r${i + 1} {\n${way(`r${i + 2}`)}\n}\n` : `chain r${count} {\ndrop\n}\n`,
  );
  return `table ip t {\n${chains.reverse().join("")}chain b {\ntype filter hook input priority 0;\n${base}\n}\n}\n`;
}

/** In text of iptables-restore. */
export function deepIptables(count: number): string {
  const names = Array.from({ length: count }, (_, i) => `r${i + 1}`);
  const rules = names.map((name, i) => `-A ${name} -j ${names[i + 1] ?? "DROP"}\n`);
  return `*filter\n${names.map((name) => `:${name} - [0:0]\n`).join("")}-A INPUT -j r1\n${rules.join("")}COMMIT\n`;
}

export const WAYS_DOWN: Readonly<Record<string, (target: string) => string>> = {
  jump: (target) => `jump ${target}`,
  goto: (target) => `goto ${target}`,
  "a map": (target) => `meta mark vmap { 0 : jump ${target} } accept`,
};
