/** Tables and chains of nft while a text is read: what their bodies say. */
import type { IToken } from "chevrotain";
import type { Origin } from "../../diagnostics.ts";
import { type ChainDraft, TableDraft } from "../../ir/draft.ts";
import type { BaseChain, Hook, Registration, TableFamily } from "../../ir/types.ts";
import { unquote } from "./grammar.ts";
import { baseChainRefused } from "./hook-rules.ts";
import { priorityOf } from "./keywords.ts";
import type { SetDraft } from "./sets.ts";
import type { Block } from "./structure.ts";
import type { WordReader } from "./words.ts";

/** A rule that is read when all sets and maps are known. */
export interface RuleDraft {
  readonly tokens: readonly IToken[];
  readonly origin: Origin;
}

export type NftChain = ChainDraft<RuleDraft>;

export class NftTable extends TableDraft<RuleDraft, SetDraft> {
  isDormant = false;
  /** It stands there as nft lists it: `table … { … }`. */
  isListed = false;
  comment: string | undefined;
  /** Lines of other objects, by their heads. */
  readonly objects = new Map<string, readonly string[]>();
}

/** What bodies of chains may have besides rules. */
interface ChainSurroundings {
  /** When the kernel registers the next chain. */
  readonly register: () => Registration;
  /** Reads a line that stands in files as well. */
  readonly command: (tokens: readonly IToken[]) => void;
}

export class ChainReader {
  private readonly words: WordReader;
  private readonly around: ChainSurroundings;

  constructor(words: WordReader, around: ChainSurroundings) {
    this.words = words;
    this.around = around;
  }

  read(chain: NftChain, { body }: Block, family: TableFamily): void {
    for (const item of body) {
      if (item.kind === "block") {
        this.words.error("rules-syntax", "expected a rule", item.head);
        continue;
      }
      const tokens = this.words.expand(item.tokens);
      const [first, second] = tokens;
      if (first?.image === "type" && second !== undefined && tokens.some(({ image }) => image === "hook"))
        this.readHook(chain, tokens, family);
      else if (first?.image === "policy" && second !== undefined) this.readPolicy(chain, tokens);
      else if (first?.image === "comment" && tokens.length === 2) chain.comment = unquote(second?.image ?? "");
      else if (first?.image === "flags" && tokens.length === 2) continue;
      else if (first?.image === "include" || first?.image === "define") this.around.command(item.tokens);
      else chain.add([{ tokens, origin: this.words.originOf(item.tokens) }]);
    }
  }

  /** `type TYPE hook HOOK ( device NAME | devices = { … } )? priority PRIORITY` */
  private readHook(chain: NftChain, tokens: readonly IToken[], family: TableFamily): void {
    const words = tokens.map(({ image }) => image);
    const found =
      /^type (filter|nat|route) hook (prerouting|input|forward|output|postrouting|ingress|egress)(?: devices? (?:= )?(.*?))? priority (.*)$/.exec(
        words.join(" "),
      );
    const [, type, hook, device, priorityText = ""] = found ?? [];
    const priority = parsePriority(priorityText, family);
    if (type === undefined || hook === undefined || priority === undefined) {
      this.words.error("rules-syntax", "expected type filter, nat or route, hook and its name, and a priority", tokens);
      return;
    }
    const place = {
      type: type as BaseChain["type"],
      hook: hook as Hook,
      priority,
      ...(device === undefined ? {} : { device: unquote(device) }),
    };
    const refused = baseChainRefused(place, priorityText, family);
    if (refused !== undefined) this.words.error("rules-refused", refused, tokens);
    chain.base = {
      ...place,
      policy: chain.base?.policy ?? "accept",
      registered: chain.base?.registered ?? this.around.register(),
    };
  }

  private readPolicy(chain: NftChain, tokens: readonly IToken[]): void {
    const policy = tokens[1]?.image;
    if (chain.base === undefined || (policy !== "accept" && policy !== "drop"))
      this.words.error("rules-syntax", "expected policy accept or policy drop, behind type and hook", tokens);
    else chain.setPolicy(policy, this.words.originOf(tokens));
  }
}

// --- priorities ----------------------------------------------------------------------------------------------------------

/** `filter`, `filter + 10`, `-100`. */
function parsePriority(text: string, family: TableFamily): number | undefined {
  const found = /^(?:(-?) ?([0-9]+)|([a-z]+)(?: ([+-]) ([0-9]+))?)$/.exec(text);
  if (found === null) return undefined;
  const [, minus, number, name, sign, offset = "0"] = found;
  if (number !== undefined) return minus === "-" ? -Number(number) : Number(number);
  const base = priorityOf(family, name ?? "");
  return base === undefined ? undefined : base + (sign === "-" ? -Number(offset) : Number(offset));
}
