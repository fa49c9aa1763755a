/** Policy rules as `ip -j rule` prints them, of one family: the list does not say which. */
import type { Report } from "../diagnostics.ts";
import { asString, type Context, reportInvalid } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { type Address, addressBits, type Family, familyOf, parseAddress } from "../net/address.ts";
import { maskAddress, type Prefix } from "../net/prefix.ts";
import type { PolicyRule } from "../network/types.ts";
import { asNumber, asTable, hasMember, withMember, zeroOf } from "./values.ts";

/** The family of a list of rules: by an address in it, or else IPv4 is the one that has a rule for the table `default`. `isSure`:
 *  by an address. */
export function familyOfRules(entries: readonly Field[]): { readonly family: Family; readonly isSure: boolean } {
  for (const entry of entries)
    for (const member of [entry.get("src"), entry.get("dst")]) {
      const address = typeof member?.value === "string" ? parseAddress(member.value) : undefined;
      if (address !== undefined) return { family: familyOf(address), isSure: true };
    }
  const hasDefault = entries.some((entry) => entry.get("table")?.value === "default");
  return { family: hasDefault ? "IPv4" : "IPv6", isSure: false };
}

/** The rules of a list, in its order. Those that kpc does not follow are reported, `unsupported-network`, and left out. */
export function readPolicyRules(
  entries: readonly Field[],
  root: Field,
  family: Family,
  report: Report,
): readonly PolicyRule[] {
  const context: Context = { report, root, subject: "a policy rule" };
  return withMember(context, entries, "priority").flatMap(
    ({ entry, member }) => readRule(context, entry, member, family) ?? [],
  );
}

function readRule(context: Context, entry: Field, at: Field, family: Family): PolicyRule | undefined {
  const priority = asNumber(context, at);
  if (priority === undefined || hasMember(entry, "nop")) return undefined;
  const unfollowed = UNFOLLOWED.find(([member]) => hasMember(entry, member));
  if (unfollowed !== undefined) {
    const [member, why] = unfollowed;
    const severity = HARMLESS.has(member) && !hasMember(entry, "not") ? "info" : "warning";
    const message = `kpc leaves out the policy rule of priority ${priority}, which has ${member}: ${why}`;
    context.report({ severity, code: "unsupported-network", message, origin: at });
    return undefined;
  }
  const action = actionOf(context, entry, at);
  const from = blockOf(context, entry, "src", family);
  const to = blockOf(context, entry, "dst", family);
  const mark = asNumber(context, entry.get("fwmark"));
  const mask = asNumber(context, entry.get("fwmask"));
  const inInterface = asString(context, entry.get("iif"));
  const suppressed = asNumber(context, entry.get("suppress_prefixlen"));
  if (action === undefined || from === "wrong" || to === "wrong") return undefined;
  return {
    priority,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(mark === undefined ? {} : { mark: { value: mark, mask: mask ?? 0xffffffff } }),
    ...(inInterface === undefined ? {} : { inInterface }),
    ...(hasMember(entry, "not") ? { isNegated: true } : {}),
    ...(suppressed === undefined ? {} : { suppressPrefixLength: suppressed }),
    provenance: { origin: at },
    action,
  };
}

/** Members of rules that kpc does not follow, and what they ask. */
const UNFOLLOWED: readonly (readonly [string, string])[] = [
  ["goto", "it jumps to another rule"],
  ["l3mdev", "it asks for the table of a VRF"],
  ["oif", "it holds for sockets that are bound to an interface"],
  ["uid_start", "it holds for sockets of certain users"],
  ["tos", "it asks for the type of service"],
  ["dsfield", "it asks for the type of service"],
  ["dscp", "it asks for the type of service"],
  ["ipproto", "it asks for the protocol"],
  ["sport", "it asks for ports"],
  ["sport_start", "it asks for ports"],
  ["dport", "it asks for ports"],
  ["dport_start", "it asks for ports"],
  ["tun_id", "it asks for a tunnel's number"],
  ["flowlabel", "it asks for the flow label"],
  ["suppress_ifgroup", "it asks for a group of interfaces"],
  ["nat_gateway", "it translates addresses"],
  ["masquerade", "it translates addresses"],
];

/** A rule for VRFs, or for bound sockets, holds for none of the packets that kpc follows. */
const HARMLESS: ReadonlySet<string> = new Set(["l3mdev", "oif"]);

function actionOf(context: Context, entry: Field, at: Field): PolicyRule["action"] | undefined {
  const field = entry.get("action");
  const action = asString(context, field);
  if (action === "blackhole" || action === "unreachable" || action === "prohibit") return { kind: action };
  const table = asTable(context, entry.get("table"));
  if (table !== undefined) return { kind: "table", table };
  if (field === undefined) reportInvalid(context, at, "expected a rule with a table or an action");
  else reportInvalid(context, field, "expected blackhole, unreachable or prohibit");
  return undefined;
}

/** Undefined: all addresses. */
function blockOf(context: Context, entry: Field, key: "src" | "dst", family: Family): Prefix | undefined | "wrong" {
  const field = entry.get(key);
  const text = asString(context, field);
  if (field === undefined || text === undefined || text === "all") return undefined;
  const address: Address | undefined = text === "0" ? zeroOf(family) : parseAddress(text);
  const length = asNumber(context, entry.get(`${key}len`)) ?? addressBits(family);
  if (address !== undefined && familyOf(address) === family && length <= addressBits(family))
    return { address: maskAddress(address, length), length };
  reportInvalid(
    context,
    field,
    `expected all, or an ${family} address with a length of at most ${addressBits(family)}`,
  );
  return "wrong";
}
