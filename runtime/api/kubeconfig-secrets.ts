/** Findings about kubeconfigs show lines of them: never a token, a password or a key. All words are starred but those that are known to be none. */
import type { Diagnostic, Origin, Source } from "../../compiler/diagnostics.ts";

const WORD = /[\w+/=.~%@-]+/g;

/** Names of members, and values that are no secrets. */
const MEMBERS = `apiVersion kind Config v1 preferences current-context contexts context clusters cluster users user name namespace server
  certificate-authority certificate-authority-data insecure-skip-tls-verify tls-server-name proxy-url disable-compression client-certificate
  client-certificate-data client-key client-key-data token tokenFile username password as as-uid as-groups as-user-extra auth-provider exec
  command args env value installHint provideClusterInfo interactiveMode extensions config client.authentication.k8s.io/v1
  client.authentication.k8s.io/v1beta1 client.authentication.k8s.io/v1alpha1 Never IfAvailable Always true false null`;
const KNOWN_WORDS: ReadonlySet<string> = new Set(MEMBERS.split(/\s+/));

/** The beginning of a line after which stands what everybody may see. */
const OPEN_MEMBER =
  /(?:^|[\s{,"'-])(?:name|current-context|cluster|user|command|certificate-authority|client-certificate|client-key|tokenFile|kind|apiVersion|interactiveMode|tls-server-name)["']?: *["']?$/;

/** A text without its secrets, and those words. */
interface MaskedText {
  readonly source: Source;
  readonly secrets: readonly string[];
}

/** Characters of a word that a message may have by chance. */
const SHORT = 6;

const known = new WeakMap<Source, MaskedText>();

/** `diagnostic` with its places in a text of the same length in which stars stand for secrets. Its message has none of them: those about the
 *  syntax quote what they do not understand, shortened where it is long. */
export function withoutSecrets(diagnostic: Diagnostic, source: Source): Diagnostic {
  const masked = known.get(source) ?? maskKubeconfig(source);
  known.set(source, masked);
  const move = (origin: Origin): Origin => ({
    span: () => {
      const span = origin.span();
      return span.source === source ? { ...span, source: masked.source } : span;
    },
  });
  const say = (message: string): string =>
    message.replaceAll(WORD, (word) => {
      const bare = word.replace(/\.+$/, "");
      return bare.length >= SHORT && masked.secrets.some((secret) => secret.includes(bare)) ? "***" : word;
    });
  const { origin, notes } = diagnostic;
  return {
    ...diagnostic,
    message: say(diagnostic.message),
    ...(origin === undefined ? {} : { origin: move(origin) }),
    ...(notes === undefined
      ? {}
      : {
          notes: notes.map((note) => ({
            message: say(note.message),
            ...(note.origin === undefined ? {} : { origin: move(note.origin) }),
          })),
        }),
  };
}

function maskKubeconfig({ name, text }: Source): MaskedText {
  const secrets = new Set<string>();
  const masked = text.replaceAll(WORD, (word: string, at: number) => {
    const line = text.slice(Math.max(text.lastIndexOf("\n", at - 1) + 1, at - 100), at);
    if (KNOWN_WORDS.has(word) || /^-+$/.test(word) || OPEN_MEMBER.test(line)) return word;
    if (word.length >= SHORT) secrets.add(word);
    return "*".repeat(word.length);
  });
  return { source: { name, text: masked }, secrets: [...secrets] };
}
