/** What names may look like (apimachinery's util/validation, api/validate/content). Each function gives what is wrong with
 *  a text, in the API server's words; nothing when it is right. */
import { parseAddress } from "../net/address.ts";

type Problems = readonly string[];

const NONE: Problems = [];

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

const IS_DNS_1123_LABEL = new RegExp(`^${LABEL}$`);
const IS_DNS_1123_SUBDOMAIN = new RegExp(`^${SUBDOMAIN}$`);
const IS_DNS_1035_LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const IS_WILDCARD = new RegExp(`^\\*\\.${SUBDOMAIN}$`);
const IS_QUALIFIED = new RegExp(`^${QUALIFIED}$`);

/** Name of a namespace, a port, a Service: at most 63 lower case letters, digits and dashes. */
export function dns1123LabelProblems(text: string): Problems {
  if (text.length <= 63 && IS_DNS_1123_LABEL.test(text)) return NONE;
  if (text.length > 63) return [maxLength(63)];
  if (text.length <= 253 && IS_DNS_1123_SUBDOMAIN.test(text)) return ["must not contain dots"];
  const rule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
  return [withExpression(rule, LABEL, "my-name", "123-abc")];
}

/** As dns1123LabelProblems, and the first character has to be a letter. */
export function dns1035LabelProblems(text: string): Problems {
  if (text.length <= 63 && IS_DNS_1035_LABEL.test(text)) return NONE;
  if (text.length > 63) return [maxLength(63)];
  const rule =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
  return [withExpression(rule, "[a-z]([-a-z0-9]*[a-z0-9])?", "my-name", "abc-123")];
}

/** Name of most objects, and of a host: labels with dots between, at most 253 characters. */
export function dns1123SubdomainProblems(text: string): Problems {
  if (text.length <= 253 && IS_DNS_1123_SUBDOMAIN.test(text)) return NONE;
  if (text.length > 253) return [maxLength(253)];
  const rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
  return [withExpression(rule, SUBDOMAIN, "example.com")];
}

/** `*.` and a subdomain. */
function wildcardProblems(text: string): Problems {
  if (text.length <= 253 && IS_WILDCARD.test(text)) return NONE;
  if (text.length > 253) return [maxLength(253)];
  const rule =
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
  return [withExpression(rule, `\\*\\.${SUBDOMAIN}`, "*.example.com")];
}

/** A name that clients ask for, or a wildcard: no address. */
export function hostnameProblems(host: string): Problems {
  return host.includes("*") && parseAddress(host) === undefined
    ? wildcardProblems(host)
    : preciseHostnameProblems(host);
}

/** A name of one host: no address. */
export function preciseHostnameProblems(host: string): Problems {
  return parseAddress(host) === undefined ? dns1123SubdomainProblems(host) : ["must be a DNS name, not an IP address"];
}

/** A domain name of two labels or more, with or without a dot at the end. */
export function domainNameProblems(text: string): Problems {
  const name = text.endsWith(".") ? text.slice(0, -1) : text;
  const problems = dns1123SubdomainProblems(name);
  if (problems.length > 0) return problems;
  if (!name.includes(".")) return ["should be a domain with at least two segments separated by dots"];
  return name.split(".").flatMap(dns1123LabelProblems);
}

/** A label's key, and other names of that form: `name` or `prefix/name`. */
export function qualifiedNameProblems(text: string): Problems {
  const slash = text.indexOf("/");
  if (slash !== text.lastIndexOf("/")) {
    const hint = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
    return [`a valid label key ${withExpression(QUALIFIED_RULE, QUALIFIED, "MyName", "my.name", "123-abc")}${hint}`];
  }
  const name = text.slice(slash + 1);
  const prefix = slash < 0 ? undefined : text.slice(0, slash);
  const prefixProblems = prefix === undefined ? NONE : prefixProblemsOf(prefix);
  if (name.length > 0 && name.length <= 63 && IS_QUALIFIED.test(name)) return prefixProblems;
  return [...prefixProblems, `name part ${namePartProblem(name)}`];
}

const QUALIFIED_RULE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

function prefixProblemsOf(prefix: string): Problems {
  if (prefix === "") return ["prefix part must be non-empty"];
  return dns1123SubdomainProblems(prefix).map((problem) => `prefix part ${problem}`);
}

function namePartProblem(name: string): string {
  if (name === "") return "must be non-empty";
  if (name.length > 63) return maxLength(63);
  return withExpression(QUALIFIED_RULE, QUALIFIED, "MyName", "my.name", "123-abc");
}

/** A label's value, and a zone's name: empty, or as the name part of a key. */
export function labelValueProblems(text: string): Problems {
  if (text === "" || (text.length <= 63 && IS_QUALIFIED.test(text))) return NONE;
  if (text.length > 63) return [maxLength(63)];
  const rule = `a valid label must be an empty string or consist of ${QUALIFIED_RULE.slice("must consist of ".length)}`;
  return [withExpression(rule, `(${QUALIFIED})?`, "MyValue", "my_value", "12345")];
}

/** Name of a container port (IANA service name, lower case). */
export function portNameProblems(text: string): Problems {
  const problems: string[] = [];
  if (text.length > 15) problems.push(maxLength(15));
  if (!/^[-a-z0-9]+$/.test(text))
    problems.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(text)) problems.push("must contain at least one letter (a-z)");
  if (text.includes("--")) problems.push("must not contain consecutive hyphens");
  if (text.startsWith("-") || text.endsWith("-")) problems.push("must not begin or end with a hyphen");
  return problems;
}

/** `example.com/path`. */
export function domainPrefixedPathProblems(text: string): Problems {
  const slash = text.indexOf("/");
  if (slash <= 0 || slash === text.length - 1) return ['must be a domain-prefixed path (such as "acme.io/foo")'];
  const problems = dns1123SubdomainProblems(text.slice(0, slash));
  const path = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
  if (new RegExp(`^${path}$`).test(text.slice(slash + 1))) return problems;
  return [...problems, withExpression("Invalid path", path)];
}

/** A name that can stand in a URL's path. */
function pathSegmentProblems(text: string): Problems {
  if (text === "." || text === "..") return [`may not be '${text}'`];
  return ["/", "%"].filter((char) => text.includes(char)).map((char) => `may not contain '${char}'`);
}

/** A kind or a name in a reference to an object of any kind. */
export function objectNameProblems(text: string): Problems {
  return [...pathSegmentProblems(text), ...controlCharacterProblems(text)];
}

/** Characters that would break out of a line of rules, or of a terminal. The API server does not look for them in the
 *  few fields that are free text. */
export function controlCharacterProblems(text: string): Problems {
  return CONTROL.test(text) ? ["must not contain control characters"] : NONE;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/;

function maxLength(length: number): string {
  return `must be no more than ${length} bytes`;
}

function withExpression(rule: string, expression: string, ...examples: readonly string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(" or ");
  return `${rule} (${shown === "" ? "" : `e.g. ${shown}`}regex used for validation is '${expression}')`;
}
