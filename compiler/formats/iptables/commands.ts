/** Commands of iptables, and what they do to a table. */
import type { Origin } from "../../diagnostics.ts";
import { type ChainDraft, TableDraft } from "../../ir/draft.ts";
import type { Rule, SetDeclaration } from "../../ir/types.ts";
import { meaningOf } from "../../words.ts";
import type { OptionText } from "./grammar.ts";
import type { IptablesTable } from "./hooks.ts";

/** A table as far as it is read; its sets are those of ipset that rules ask. */
export class IptablesDraft extends TableDraft<Rule, SetDeclaration> {
  declare readonly family: "ip" | "ip6";
  declare readonly name: IptablesTable;
  /** Lists of `recent`, and how long clients stay in them. */
  readonly lists = new Map<string, number | undefined>();
}

export interface CommandCall {
  readonly table: IptablesDraft;
  /** The words behind the command. */
  readonly values: readonly string[];
  /** The rules that the line is. */
  readonly read: () => Rule[];
  /** A chain that the command names. */
  readonly chain: (name: string) => ChainDraft<Rule>;
  /** Of the command. */
  readonly place: Origin;
}

/** Each gives what is wrong with its words, or nothing. */
type Run = (call: CommandCall) => string | undefined;

const append: Run = ({ values: [name], read, chain }) => {
  if (name === undefined) return "expected the name of a chain";
  chain(name).add(read());
  return undefined;
};

const insert: Run = ({ values: [name, number = "1"], read, chain }) => {
  if (name === undefined) return "expected the name of a chain";
  const found = chain(name);
  const most = found.rules.length + 1;
  if (!/^[1-9][0-9]*$/.test(number) || Number(number) > most) return `expected the number of a rule, up to ${most}`;
  found.add(read(), Number(number) - 1);
  return undefined;
};

const remove: Run = ({ values: [name, number], read, chain }) => {
  if (name === undefined) return "expected the name of a chain";
  const { rules } = chain(name);
  const wanted = number === undefined ? read().map(ruleText) : [];
  const index = number === undefined ? rules.findIndex((rule) => ruleText(rule) === wanted[0]) : Number(number) - 1;
  if (rules[index] === undefined) return "expected a rule that the chain has";
  const isAll = wanted.every((text, i) => ruleText(rules[index + i] ?? { steps: [] }) === text);
  rules.splice(index, isAll ? Math.max(wanted.length, 1) : 1);
  return undefined;
};

const replace: Run = ({ values: [name, number], read, chain }) => {
  if (name === undefined || number === undefined) return "expected a chain and the number of a rule";
  const { rules } = chain(name);
  if (rules[Number(number) - 1] === undefined) return "expected the number of a rule that the chain has";
  rules.splice(Number(number) - 1, 1, ...read());
  return undefined;
};

const create: Run = ({ table, values: [name] }) => {
  if (name === undefined) return "expected the name of a chain";
  if (table.chains.has(name)) return `expected a new name: chain ${name} is there already`;
  table.chain(name);
  return undefined;
};

const setPolicy: Run = ({ table, values: [name, policy], chain, place }) => {
  if (name === undefined || (policy !== "ACCEPT" && policy !== "DROP")) return "expected a chain and ACCEPT or DROP";
  if (table.chains.get(name)?.base === undefined) return `expected a built-in chain of table ${table.name}`;
  chain(name).setPolicy(policy === "DROP" ? "drop" : "accept", place);
  return undefined;
};

const flush: Run = ({ table, values: [name], chain }) => {
  if (name === undefined) table.flush();
  else chain(name).rules = [];
  return undefined;
};

const deleteChain: Run = ({ table, values: [name] }) => {
  const regular = [...table.chains.values()].filter(({ base }) => base === undefined).map((chain) => chain.name);
  const doomed = name === undefined ? regular : regular.filter((chain) => chain === name);
  for (const chain of doomed) table.deleteChain(chain);
  return name === undefined || doomed.length > 0 ? undefined : "expected a chain that is not built in";
};

const nothing: Run = () => undefined;

/** By name. */
export const COMMANDS: Readonly<Record<string, Run>> = {
  "-A": append,
  "--append": append,
  "-I": insert,
  "--insert": insert,
  "-D": remove,
  "--delete": remove,
  "-R": replace,
  "--replace": replace,
  "-N": create,
  "--new-chain": create,
  "-P": setPolicy,
  "--policy": setPolicy,
  "-F": flush,
  "--flush": flush,
  "-X": deleteChain,
  "--delete-chain": deleteChain,
  "-Z": nothing,
  "--zero": nothing,
};

/** Says where a call's command is carried out, and is no part of that. */
export function isOfCall({ name }: OptionText): boolean {
  return name === "-t" || name === "--table" || name === "-w" || name === "--wait";
}

/** The command may stand behind options of the rule. */
export function splitCommand(options: readonly OptionText[]): {
  readonly command: OptionText | undefined;
  readonly rule: readonly OptionText[];
} {
  const index = options.findIndex(({ name }) => meaningOf(COMMANDS, name) !== undefined);
  if (index <= 0) return { command: options[0], rule: options.slice(1) };
  return { command: options[index], rule: options.filter((_, i) => i !== index) };
}

function ruleText({ steps, comment }: Rule): string {
  return JSON.stringify([steps, comment], (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
}
