/** The grammar of nft. Long because a parser of Chevrotain is one class, whose rules call each other. */
import { EmbeddedActionsParser, EOF, type IOrAlt, type IToken, type TokenType } from "chevrotain";
import { quickStart } from "../lazy-lookahead.ts";
import * as t from "./lexer.ts";
import {
  type BitOperator,
  type ElementNode,
  type ElementOptions,
  type StatementNode,
  type SyntaxNode,
  textOf,
  type VerdictNode,
} from "./syntax.ts";

/** The first alternative that fits: keywords are words as well, and come before them. */
function anyOf<T>(alternatives: IOrAlt<T>[]): { readonly DEF: IOrAlt<T>[]; readonly IGNORE_AMBIGUITIES: true } {
  return { DEF: alternatives, IGNORE_AMBIGUITIES: true };
}

const NOTHING: SyntaxNode = { kind: "star" };

/**
 * Only the syntax of one rule, one list of elements, one list of types: what stands around them is for `structure.ts`.
 *
 * Words on the right of a match are values, whatever they mean elsewhere: `meta l4proto tcp th dport 80`.
 */
class NftParser extends EmbeddedActionsParser {
  private tokens: readonly IToken[] = [];
  /** Where each of them is, made when it is asked for. */
  private places: ReadonlyMap<IToken, number> | undefined;

  constructor(validates = false) {
    super(t.TOKENS, quickStart(2, validates));
    this.performSelfAnalysis();
  }

  /** Sets the words of the next parse. */
  take(tokens: IToken[]): void {
    // The parser puts ends of the text behind what it is given.
    this.tokens = [...tokens];
    this.places = undefined;
    this.input = tokens;
  }

  private since(first: IToken): readonly IToken[] {
    this.places ??= new Map(this.tokens.map((token, i) => [token, i]));
    return this.tokens.slice(this.places.get(first) ?? 0, this.places.get(this.LA(1)));
  }

  // statement*
  readonly ruleText = this.RULE("ruleText", (): StatementNode[] => {
    const statements: StatementNode[] = [];
    this.MANY(() => statements.push(this.SUBRULE(this.statement)));
    return statements;
  });

  readonly statement = this.RULE("statement", (): StatementNode => {
    const first = this.LA(1);
    const part = this.OR(
      anyOf([
        { ALT: (): Part => this.SUBRULE(this.verdict) },
        { ALT: (): Part => this.SUBRULE(this.counter) },
        { ALT: (): Part => this.SUBRULE(this.log) },
        { ALT: (): Part => this.SUBRULE(this.limit) },
        { ALT: (): Part => this.SUBRULE(this.quota) },
        { ALT: (): Part => this.SUBRULE(this.last) },
        { ALT: (): Part => this.SUBRULE(this.reject) },
        { ALT: (): Part => this.SUBRULE(this.nat) },
        { ALT: (): Part => this.SUBRULE(this.masquerade) },
        { ALT: (): Part => this.SUBRULE(this.tproxy) },
        { ALT: (): Part => this.SUBRULE(this.notrack) },
        { ALT: (): Part => this.SUBRULE(this.flow) },
        { ALT: (): Part => this.SUBRULE(this.duplicate) },
        { ALT: (): Part => this.SUBRULE(this.synproxy) },
        { ALT: (): Part => this.SUBRULE(this.queue) },
        { ALT: (): Part => this.SUBRULE(this.update) },
        { ALT: (): Part => this.SUBRULE(this.setUpdate) },
        { ALT: (): Part => this.SUBRULE(this.meter) },
        { ALT: (): Part => this.SUBRULE(this.xt) },
        { ALT: (): Part => this.SUBRULE(this.resetOption) },
        { ALT: (): Part => this.SUBRULE(this.secmark) },
        { ALT: (): Part => this.SUBRULE(this.comment) },
        {
          GATE: () => this.LA(1).tokenType === t.Ct && this.LA(2).image === "count",
          ALT: (): Part => this.SUBRULE(this.ctCount),
        },
        { ALT: (): Part => this.SUBRULE(this.expressionStatement) },
      ]),
    );
    return this.ACTION(() => ({ ...part, tokens: this.since(first) }));
  });

  // --- statements --------------------------------------------------------------------------------------------------------

  // accept | drop | continue | return | ( jump | goto ) CHAIN
  readonly verdict = this.RULE(
    "verdict",
    (): VerdictNode =>
      this.OR(
        anyOf([
          { ALT: (): VerdictNode => ({ kind: "verdict", verdict: this.CONSUME(t.Verdict).image }) },
          {
            ALT: (): VerdictNode => {
              const verdict = this.CONSUME(t.Jump).image;
              return { kind: "verdict", verdict, chain: this.SUBRULE(this.name) };
            },
          },
        ]),
      ),
  );

  readonly name = this.RULE("name", (): string =>
    this.OR(
      anyOf([
        { ALT: () => this.CONSUME(t.Word).image },
        { ALT: () => unquote(this.CONSUME(t.Text).image) },
        { ALT: () => this.CONSUME(t.Numeral).image },
      ]),
    ),
  );

  // counter ( packets N bytes N | bytes N packets N | name NAME | NAME )?
  private readonly counter = this.RULE("counter", (): Part => {
    this.CONSUME(t.Counter);
    let isNamed = false;
    this.OPTION1({
      GATE: () => /^(packets|bytes)$/.test(this.LA(1).image),
      DEF: () => {
        this.CONSUME1(t.Word);
        this.CONSUME1(t.Numeral);
        this.CONSUME2(t.Word);
        this.CONSUME2(t.Numeral);
      },
    });
    this.OPTION2({
      GATE: () => this.LA(1).image === "name",
      DEF: () => {
        this.CONSUME3(t.Word);
        this.SUBRULE(this.mapped);
        isNamed = true;
      },
    });
    return { kind: "counter", isNamed };
  });

  // log ( KEY value )*
  private readonly log = this.RULE("log", (): Part => {
    this.CONSUME(t.Log);
    this.MANY({
      GATE: () => LOG_KEYS.has(this.LA(1).image),
      DEF: () => {
        this.CONSUME1(t.Word);
        this.SUBRULE1(this.logValue);
      },
    });
    return { kind: "plain", name: "log" };
  });

  // "text" | N | ( ip | tcp )? WORD ( , WORD )*
  private readonly logValue = this.RULE("logValue", () => {
    this.OR(
      anyOf([
        { ALT: () => this.CONSUME(t.Text) },
        { ALT: () => this.CONSUME(t.Numeral) },
        {
          ALT: () => {
            this.OPTION({
              GATE: () => this.LA(1).image === "tcp" || this.LA(1).image === "ip",
              DEF: () => this.CONSUME1(t.Word),
            });
            this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.CONSUME2(t.Word) });
          },
        },
      ]),
    );
  });

  // limit ( rate over? N ( unit? / | unit/ ) unit ( burst N unit? )? | name NAME )
  private readonly limit = this.RULE("limit", (): Part => {
    this.CONSUME(t.Limit);
    this.CONSUME1(t.Word); // rate | name
    this.OR(
      anyOf([
        {
          GATE: () => this.LA(0).image === "name",
          ALT: () => {
            this.SUBRULE(this.mapped);
          },
        },
        {
          GATE: () => this.LA(1).tokenType === t.Numeral || RATE_WORDS.has(this.LA(1).image),
          ALT: () => {
            this.OPTION1(() => this.CONSUME2(t.Word)); // over | until
            this.CONSUME1(t.Numeral);
            this.OPTION2({ GATE: () => this.LA(1).image !== "burst", DEF: () => this.CONSUME3(t.Word) }); // bytes, mbytes/second
            this.OPTION5(() => {
              this.CONSUME(t.Slash);
              this.CONSUME4(t.Word);
            });
            this.OPTION3({
              GATE: () => this.LA(1).image === "burst",
              DEF: () => {
                this.CONSUME5(t.Word);
                this.CONSUME2(t.Numeral);
                this.OPTION4({ GATE: () => SIZE_UNITS.has(this.LA(1).image), DEF: () => this.CONSUME6(t.Word) });
              },
            });
          },
        },
      ]),
    );
    return { kind: "plain", name: "limit" };
  });

  // quota ( over | until )? N unit ( used N unit )? | quota name NAME
  private readonly quota = this.RULE("quota", (): Part => {
    this.CONSUME(t.Quota);
    this.OPTION1(() => this.CONSUME1(t.Word));
    this.OR(
      anyOf([
        {
          GATE: () => this.LA(0).image === "name",
          ALT: () => {
            this.SUBRULE(this.mapped);
          },
        },
        {
          ALT: () => {
            this.CONSUME1(t.Numeral);
            this.CONSUME2(t.Word);
            this.OPTION2({
              GATE: () => this.LA(1).image === "used",
              DEF: () => {
                this.CONSUME3(t.Word);
                this.CONSUME2(t.Numeral);
                this.CONSUME4(t.Word);
              },
            });
          },
        },
      ]),
    );
    return { kind: "plain", name: "quota" };
  });

  // last ( used TIME | used never )?
  private readonly last = this.RULE("last", (): Part => {
    this.CONSUME(t.Last);
    this.OPTION({
      GATE: () => this.LA(1).image === "used",
      DEF: () => {
        this.CONSUME1(t.Word);
        this.OR(anyOf([{ ALT: () => this.CONSUME(t.Numeral) }, { ALT: () => this.CONSUME2(t.Word) }]));
      },
    });
    return { kind: "plain", name: "last" };
  });

  // reject ( with ( icmp | icmpv6 | icmpx | tcp ) type? WORD )?
  private readonly reject = this.RULE("reject", (): Part => {
    const words: string[] = [];
    this.CONSUME(t.Reject);
    this.OPTION1(() => {
      this.CONSUME(t.With);
      words.push(this.CONSUME1(t.Word).image);
      this.OPTION2({ GATE: () => this.LA(1).image === "type", DEF: () => this.CONSUME2(t.Word) });
      words.push(
        this.OR(anyOf([{ ALT: () => this.CONSUME3(t.Word).image }, { ALT: () => this.CONSUME(t.Numeral).image }])),
      );
    });
    return { kind: "reject", words };
  });

  // ( snat | dnat ) ( ip | ip6 )? ( addr . port | prefix | interval )? to? address ( : ports )? flags
  private readonly nat = this.RULE("nat", (): Part => {
    const name = this.CONSUME(t.Nat).image as "snat" | "dnat";
    let family: string | undefined;
    let isPrefix = false;
    this.OPTION1({
      // `dnat ip saddr map …` without `to` begins with a field.
      GATE: () => /^(to|addr|prefix|interval)$/.test(this.LA(2).image),
      DEF: () => {
        family = this.CONSUME(t.IpHeader).image;
      },
    });
    this.OPTION2({
      GATE: () => /^(addr|prefix|interval)$/.test(this.LA(1).image),
      DEF: () => {
        isPrefix = this.CONSUME1(t.Word).image === "prefix";
        this.OPTION3(() => {
          this.CONSUME(t.Dot);
          this.CONSUME2(t.Word);
        });
      },
    });
    this.OPTION4(() => this.CONSUME(t.To));
    let to: SyntaxNode | undefined;
    this.OPTION5({
      GATE: () => this.LA(1).tokenType !== t.Colon,
      DEF: () => {
        to = this.SUBRULE1(this.mapped);
      },
    });
    let ports: SyntaxNode | undefined;
    this.OPTION6(() => {
      this.CONSUME(t.Colon);
      ports = this.SUBRULE2(this.mapped);
    });
    const flags = this.SUBRULE(this.natFlags);
    const target = { ...(to === undefined ? {} : { to }), ...(ports === undefined ? {} : { ports }) };
    return { kind: "nat", name, family, isPrefix, ...target, flags };
  });

  // ( random | fully-random | persistent ) ( ,? … )*
  private readonly natFlags = this.RULE("natFlags", (): string[] => {
    const flags: string[] = [];
    this.MANY({
      GATE: () => NAT_FLAGS.has(this.LA(1).image),
      DEF: () => {
        flags.push(this.CONSUME(t.Word).image);
        this.OPTION(() => this.CONSUME(t.Comma));
      },
    });
    return flags;
  });

  // ( masquerade | redirect ) ( to? :? ports )? flags
  private readonly masquerade = this.RULE("masquerade", (): Part => {
    const name = this.CONSUME(t.Masquerade).image as "masquerade" | "redirect";
    let ports: SyntaxNode | undefined;
    this.OPTION1(() => {
      this.CONSUME(t.To);
      this.OPTION2(() => this.CONSUME(t.Colon));
      ports = this.SUBRULE(this.mapped);
    });
    const flags = this.SUBRULE(this.natFlags);
    return { kind: "masquerade", name, ...(ports === undefined ? {} : { ports }), flags };
  });

  // tproxy ( ip | ip6 )? to address? ( : port )?
  private readonly tproxy = this.RULE("tproxy", (): Part => {
    this.CONSUME(t.Tproxy);
    this.OPTION1(() => this.CONSUME(t.IpHeader));
    this.CONSUME(t.To);
    this.OPTION2({ GATE: () => this.LA(1).tokenType !== t.Colon, DEF: () => this.SUBRULE1(this.mapped) });
    this.OPTION3(() => {
      this.CONSUME(t.Colon);
      this.SUBRULE2(this.mapped);
    });
    return { kind: "plain", name: "tproxy" };
  });

  private readonly notrack = this.RULE("notrack", (): Part => {
    this.CONSUME(t.Notrack);
    return { kind: "notrack" };
  });

  // flow ( add | offload ) @TABLE
  private readonly flow = this.RULE("flow", (): Part => {
    this.CONSUME(t.Flow);
    this.CONSUME1(t.Word);
    this.CONSUME(t.At);
    this.CONSUME2(t.Word);
    return { kind: "plain", name: "flow" };
  });

  // ( dup | fwd ) ( ip | ip6 )? to expression ( device expression )?
  private readonly duplicate = this.RULE("duplicate", (): Part => {
    const name = this.CONSUME(t.Duplicate).image;
    this.OPTION1(() => this.CONSUME(t.IpHeader));
    this.CONSUME(t.To);
    this.SUBRULE1(this.mapped);
    this.OPTION2({
      GATE: () => this.LA(1).image === "device",
      DEF: () => {
        this.CONSUME(t.Word);
        this.SUBRULE2(this.mapped);
      },
    });
    return { kind: "plain", name };
  });

  // synproxy ( mss N | wscale N | timestamp | sack-perm )* | synproxy name NAME
  private readonly synproxy = this.RULE("synproxy", (): Part => {
    this.CONSUME(t.Synproxy);
    this.MANY({
      GATE: () => /^(mss|wscale|timestamp|sack-perm|name)$/.test(this.LA(1).image),
      DEF: () => {
        this.CONSUME(t.Word);
        this.OPTION({
          GATE: () => /^(mss|wscale|name)$/.test(this.LA(0).image),
          DEF: () => this.SUBRULE(this.mapped),
        });
      },
    });
    return { kind: "plain", name: "synproxy" };
  });

  // queue ( num RANGE | flags WORD,… | to EXPRESSION )*
  private readonly queue = this.RULE("queue", (): Part => {
    this.CONSUME(t.Queue);
    this.MANY({
      GATE: () => /^(num|flags|to|bypass|fanout)$/.test(this.LA(1).image),
      DEF: () => {
        const key = this.CONSUME1(t.Word).image;
        this.OPTION({
          GATE: () => key !== "bypass" && key !== "fanout",
          DEF: () => {
            this.SUBRULE(this.mapped);
            this.MANY2(() => {
              this.CONSUME(t.Comma);
              this.CONSUME2(t.Word);
            });
          },
        });
      },
    });
    return { kind: "plain", name: "queue" };
  });

  // ( add | update | delete ) @SET { key options ( : data )? }
  private readonly update = this.RULE("update", (): Part => {
    const operation = this.CONSUME(t.Operation).image;
    this.CONSUME(t.At);
    const set = this.SUBRULE(this.name);
    this.CONSUME(t.OpenBrace);
    const key = this.SUBRULE1(this.concatenation);
    const options = this.SUBRULE(this.elementOptions);
    let data: SyntaxNode | undefined;
    this.OPTION(() => {
      this.CONSUME(t.Colon);
      data = this.SUBRULE2(this.mapped);
    });
    this.CONSUME(t.CloseBrace);
    return {
      kind: "update",
      operation,
      set,
      key,
      ...options,
      ...(data === undefined ? {} : { data }),
    };
  });

  // set ( add | update | delete ) key @SET
  private readonly setUpdate = this.RULE("setUpdate", (): Part => {
    this.CONSUME(t.SetWord);
    const operation = this.CONSUME(t.Operation).image;
    const key = this.SUBRULE(this.concatenation);
    const options = this.SUBRULE(this.elementOptions);
    this.CONSUME(t.At);
    const set = this.SUBRULE(this.name);
    return { kind: "update", operation, set, key, ...options };
  });

  // meter NAME ( size N )? { key statement }
  private readonly meter = this.RULE("meter", (): Part => {
    this.CONSUME(t.Meter);
    this.CONSUME1(t.Word);
    this.OPTION(() => {
      this.CONSUME2(t.Word);
      this.CONSUME(t.Numeral);
    });
    this.CONSUME(t.OpenBrace);
    const key = this.SUBRULE(this.concatenation);
    this.SUBRULE(this.elementOptions);
    this.CONSUME(t.CloseBrace);
    return { kind: "plain", name: "meter", key };
  });

  // xt ( match | target ) NAME, as nft lists what only iptables can say
  private readonly xt = this.RULE("xt", (): Part => {
    this.CONSUME(t.Xt);
    const kind = this.CONSUME1(t.Word).image;
    this.OR(anyOf([{ ALT: () => this.CONSUME2(t.Word) }, { ALT: () => this.CONSUME(t.Text) }]));
    return { kind: "plain", name: kind === "match" ? "xt match" : "xt target" };
  });

  // reset tcp option NAME
  private readonly resetOption = this.RULE("resetOption", (): Part => {
    this.CONSUME(t.Reset);
    this.CONSUME(t.OptionHeader);
    this.CONSUME1(t.Word);
    this.SUBRULE(this.name);
    return { kind: "plain", name: "reset" };
  });

  private readonly secmark = this.RULE("secmark", (): Part => {
    this.CONSUME(t.Secmark);
    this.CONSUME(t.Word);
    this.SUBRULE(this.name);
    return { kind: "plain", name: "secmark" };
  });

  private readonly comment = this.RULE("comment", (): Part => {
    this.CONSUME(t.CommentWord);
    return { kind: "comment", text: this.SUBRULE(this.name) };
  });

  // ct count over? N
  private readonly ctCount = this.RULE("ctCount", (): Part => {
    this.CONSUME(t.Ct);
    this.CONSUME1(t.Word);
    this.OPTION(() => this.CONSUME2(t.Word));
    this.CONSUME(t.Numeral);
    return { kind: "plain", name: "ct count" };
  });

  // expression ( set expression | vmap map | operator? values )
  private readonly expressionStatement = this.RULE("expressionStatement", (): Part => {
    const left = this.SUBRULE(this.concatenation);
    return this.OR(
      anyOf([
        {
          ALT: (): Part => {
            this.CONSUME(t.Vmap);
            return { kind: "vmap", key: left, map: this.SUBRULE(this.mapReference) };
          },
        },
        {
          ALT: (): Part => {
            this.CONSUME(t.SetWord);
            const items: SyntaxNode[] = [this.SUBRULE1(this.mapped)];
            this.MANY(() => {
              this.CONSUME(t.Comma);
              items.push(this.SUBRULE2(this.mapped));
            });
            return { kind: "set", left, right: items.length === 1 ? (items[0] ?? NOTHING) : { kind: "list", items } };
          },
        },
        {
          ALT: (): Part => {
            let operator = "";
            this.OPTION(() => {
              operator = this.OR2(
                anyOf([
                  { ALT: () => this.CONSUME(t.Relation).image },
                  { ALT: () => RELATION_WORDS[this.CONSUME(t.RelationWord).image] ?? "" },
                  { ALT: () => this.CONSUME(t.Bang).image },
                ]),
              );
            });
            return { kind: "match", left, operator, right: this.SUBRULE(this.values) };
          },
        },
      ]),
    );
  });

  // --- expressions -------------------------------------------------------------------------------------------------------

  // concatenation ( map reference )?
  readonly mapped = this.RULE("mapped", (): SyntaxNode => {
    const key = this.SUBRULE(this.concatenation);
    let map: SyntaxNode | undefined;
    this.OPTION(() => {
      this.CONSUME(t.MapWord);
      map = this.SUBRULE(this.mapReference);
    });
    return map === undefined ? key : { kind: "map", key, map };
  });

  // @NAME | { elements }
  private readonly mapReference = this.RULE(
    "mapReference",
    (): SyntaxNode =>
      this.OR(anyOf([{ ALT: () => this.SUBRULE(this.reference) }, { ALT: () => this.SUBRULE(this.set) }])),
  );

  private readonly reference = this.RULE("reference", (): SyntaxNode => {
    this.CONSUME(t.At);
    return { kind: "reference", name: this.SUBRULE(this.name) };
  });

  // bits ( . bits )*
  readonly concatenation = this.RULE("concatenation", (): SyntaxNode => {
    const parts: SyntaxNode[] = [this.SUBRULE1(this.bits)];
    this.MANY(() => {
      this.CONSUME(t.Dot);
      parts.push(this.SUBRULE2(this.bits));
    });
    return parts.length === 1 ? (parts[0] ?? NOTHING) : { kind: "concat", parts };
  });

  // operand ( operator operand )*
  private readonly bits = this.RULE("bits", (): SyntaxNode => {
    const operands: SyntaxNode[] = [this.SUBRULE1(this.operand)];
    const operators: BitOperator[] = [];
    this.MANY(() => {
      operators.push(this.SUBRULE(this.bitOperator));
      operands.push(this.SUBRULE2(this.operand));
    });
    return this.ACTION(() => byPrecedence(operands, operators));
  });

  private readonly bitOperator = this.RULE("bitOperator", (): BitOperator => {
    const { image } = this.OR(
      anyOf([
        { ALT: () => this.CONSUME(t.Ampersand) },
        { ALT: () => this.CONSUME(t.Pipe) },
        { ALT: () => this.CONSUME(t.Caret) },
        { ALT: () => this.CONSUME(t.Shift) },
        { ALT: () => this.CONSUME(t.BitWord) },
      ]),
    );
    return BIT_WORDS[image] ?? (image as BitOperator);
  });

  private readonly operand = this.RULE(
    "operand",
    (): SyntaxNode =>
      this.OR(
        anyOf([
          {
            ALT: () => {
              this.CONSUME(t.OpenParen);
              const inner = this.SUBRULE(this.concatenation);
              this.CONSUME(t.CloseParen);
              return inner;
            },
          },
          { ALT: () => this.SUBRULE(this.field) },
          { ALT: () => this.SUBRULE(this.numgen) },
          { ALT: () => this.SUBRULE(this.hash) },
          { ALT: () => this.SUBRULE(this.raw) },
          { ALT: () => this.SUBRULE(this.span) },
        ]),
      ),
  );

  /** Properties by their first word. */
  private readonly field = this.RULE("field", (): SyntaxNode => {
    const first = this.LA(1);
    this.OR(
      anyOf([
        { ALT: () => this.CONSUME(t.MetaKeyWord) },
        {
          ALT: () => {
            this.CONSUME(t.Meta);
            this.CONSUME1(t.Word);
          },
        },
        {
          // ct ( original | reply )? ( ip | ip6 )? KEY
          ALT: () => {
            this.CONSUME(t.Ct);
            this.OPTION1({ GATE: () => this.LA(1).tokenType === t.Direction, DEF: () => this.CONSUME(t.Direction) });
            this.OPTION2({ GATE: () => this.LA(1).tokenType === t.IpHeader, DEF: () => this.CONSUME1(t.IpHeader) });
            this.CONSUME2(t.Word);
          },
        },
        {
          // ip FIELD, ip option NAME FIELD
          ALT: () => {
            this.CONSUME2(t.IpHeader);
            this.SUBRULE1(this.headerField);
          },
        },
        {
          ALT: () => {
            this.CONSUME(t.OptionHeader);
            this.SUBRULE2(this.headerField);
          },
        },
        {
          // arp saddr ip, rt0 addr[1]
          ALT: () => {
            const header = this.CONSUME(t.Header).image;
            const field = this.CONSUME3(t.Word).image;
            this.OPTION3({
              GATE: () => (header === "arp" && /^[sd]addr$/.test(field)) || /^(vxlan|geneve|gre|gretap)$/.test(header),
              DEF: () => this.CONSUME4(t.Word),
            });
            this.OPTION4(() => {
              this.CONSUME(t.OpenBracket);
              this.CONSUME1(t.Numeral);
              this.CONSUME(t.CloseBracket);
            });
          },
        },
        {
          // fib saddr . iif type
          ALT: () => {
            this.CONSUME(t.Fib);
            this.AT_LEAST_ONE_SEP({ SEP: t.Dot, DEF: () => this.CONSUME5(t.Word) });
            this.CONSUME6(t.Word);
          },
        },
        {
          ALT: () => {
            this.CONSUME(t.Socket);
            const key = this.CONSUME7(t.Word).image;
            this.OPTION5({
              GATE: () => key === "cgroupv2",
              DEF: () => {
                this.CONSUME8(t.Word);
                this.CONSUME2(t.Numeral);
              },
            });
          },
        },
        {
          // osf ( ttl WORD )? ( name | version )
          ALT: () => {
            this.CONSUME(t.Osf);
            this.OPTION6({
              GATE: () => this.LA(1).image === "ttl",
              DEF: () => {
                this.CONSUME9(t.Word);
                this.CONSUME(t.Word);
              },
            });
            this.SUBRULE1(this.name);
          },
        },
        {
          // ipsec ( in | out ) ( spnum N )? ( reqid | spi | ip saddr )
          ALT: () => {
            this.CONSUME(t.Ipsec);
            this.SUBRULE2(this.name);
            this.OPTION7({
              GATE: () => this.LA(1).image === "spnum",
              DEF: () => {
                this.SUBRULE3(this.name);
                this.CONSUME3(t.Numeral);
              },
            });
            this.OPTION8({ GATE: () => this.LA(1).tokenType === t.IpHeader, DEF: () => this.CONSUME3(t.IpHeader) });
            this.SUBRULE4(this.name);
          },
        },
        {
          // rt ( ip | ip6 )? KEY
          ALT: () => {
            this.CONSUME(t.Rt);
            this.OPTION9({ GATE: () => this.LA(1).tokenType === t.IpHeader, DEF: () => this.CONSUME4(t.IpHeader) });
            this.SUBRULE5(this.name);
          },
        },
        {
          ALT: () => {
            this.CONSUME(t.Exthdr);
            this.SUBRULE6(this.name);
          },
        },
      ]),
    );
    return this.ACTION((): SyntaxNode => ({ kind: "field", words: this.since(first).map(({ image }) => image) }));
  });

  // FIELD | ( option | chunk ) NAME FIELD? | option @N,N,N
  private readonly headerField = this.RULE("headerField", () => {
    const field = this.CONSUME1(t.Word).image;
    this.OPTION1({
      GATE: () => field === "option" || field === "chunk",
      DEF: () => {
        this.OR(
          anyOf([
            { ALT: () => this.SUBRULE(this.raw) },
            {
              ALT: () => {
                this.SUBRULE(this.name);
                this.OPTION2({
                  GATE: () => OPTION_FIELDS.has(this.LA(1).image),
                  DEF: () => this.CONSUME2(t.Word),
                });
              },
            },
          ]),
        );
      },
    });
  });

  // numgen ( random | inc ) mod N ( offset N )?
  private readonly numgen = this.RULE("numgen", (): SyntaxNode => {
    this.CONSUME(t.Numgen);
    const mode = this.CONSUME1(t.Word).image === "inc" ? "inc" : "random";
    this.CONSUME2(t.Word);
    const modulus = Number(this.CONSUME1(t.Numeral).image);
    let offset = 0;
    this.OPTION({
      GATE: () => this.LA(1).image === "offset",
      DEF: () => {
        this.CONSUME3(t.Word);
        offset = Number(this.CONSUME2(t.Numeral).image);
      },
    });
    return { kind: "numgen", mode, modulus, offset };
  });

  // jhash EXPRESSION mod N ( seed N )? ( offset N )? | symhash mod N ( offset N )?
  private readonly hash = this.RULE("hash", (): SyntaxNode => {
    const first = this.LA(1);
    const name = this.CONSUME(t.Hash).image;
    this.OPTION1({ GATE: () => name === "jhash", DEF: () => this.SUBRULE(this.concatenation) });
    this.CONSUME1(t.Word);
    this.CONSUME1(t.Numeral);
    this.MANY({
      GATE: () => this.LA(1).image === "seed" || this.LA(1).image === "offset",
      DEF: () => {
        this.CONSUME2(t.Word);
        this.CONSUME2(t.Numeral);
      },
    });
    return this.ACTION((): SyntaxNode => ({ kind: "text", text: textOf(this.since(first)) }));
  });

  // @BASE,OFFSET,LENGTH
  private readonly raw = this.RULE("raw", (): SyntaxNode => {
    const first = this.LA(1);
    this.CONSUME(t.At);
    this.OR(anyOf([{ ALT: () => this.CONSUME(t.Word) }, { ALT: () => this.CONSUME1(t.Numeral) }]));
    this.CONSUME1(t.Comma);
    this.CONSUME2(t.Numeral);
    this.CONSUME2(t.Comma);
    this.CONSUME3(t.Numeral);
    return this.ACTION((): SyntaxNode => ({ kind: "text", text: textOf(this.since(first)) }));
  });

  // --- values ------------------------------------------------------------------------------------------------------------

  // value ( , value )*
  readonly values = this.RULE("values", (): SyntaxNode => {
    const items: SyntaxNode[] = [this.SUBRULE1(this.constants)];
    this.MANY(() => {
      this.CONSUME(t.Comma);
      items.push(this.SUBRULE2(this.constants));
    });
    return items.length === 1 ? (items[0] ?? NOTHING) : { kind: "list", items };
  });

  // constant ( . constant )*
  private readonly constants = this.RULE("constants", (): SyntaxNode => {
    const parts: SyntaxNode[] = [this.SUBRULE1(this.constantBits)];
    this.MANY(() => {
      this.CONSUME(t.Dot);
      parts.push(this.SUBRULE2(this.constantBits));
    });
    return parts.length === 1 ? (parts[0] ?? NOTHING) : { kind: "concat", parts };
  });

  private readonly constantBits = this.RULE("constantBits", (): SyntaxNode => {
    const operands: SyntaxNode[] = [this.SUBRULE1(this.constant)];
    const operators: BitOperator[] = [];
    this.MANY(() => {
      operators.push(this.SUBRULE(this.bitOperator));
      operands.push(this.SUBRULE2(this.constant));
    });
    return this.ACTION(() => byPrecedence(operands, operators));
  });

  private readonly constant = this.RULE(
    "constant",
    (): SyntaxNode =>
      this.OR(
        anyOf([
          { ALT: () => this.SUBRULE(this.set) },
          { ALT: () => this.SUBRULE(this.reference) },
          {
            ALT: (): SyntaxNode => {
              this.CONSUME(t.Star);
              return { kind: "star" };
            },
          },
          {
            ALT: () => {
              this.CONSUME(t.OpenParen);
              const inner = this.SUBRULE(this.values);
              this.CONSUME(t.CloseParen);
              return inner;
            },
          },
          { ALT: () => this.SUBRULE(this.span) },
        ]),
      ),
  );

  // value ( - value | / value )?
  private readonly span = this.RULE("span", (): SyntaxNode => {
    const value = this.SUBRULE1(this.value);
    return (
      this.OPTION(() =>
        this.OR(
          anyOf([
            {
              ALT: (): SyntaxNode => {
                this.CONSUME(t.Dash);
                return { kind: "range", from: value, to: this.SUBRULE2(this.value) };
              },
            },
            {
              ALT: (): SyntaxNode => {
                this.CONSUME(t.Slash);
                return { kind: "slash", value, right: this.SUBRULE3(this.value) };
              },
            },
          ]),
        ),
      ) ?? value
    );
  });

  private readonly value = this.RULE(
    "value",
    (): SyntaxNode =>
      this.OR(
        anyOf([
          {
            // No value has the name of a verdict: what stands before one is missing its own.
            GATE: () => this.LA(1).tokenType !== t.Verdict,
            ALT: (): SyntaxNode => plain(this.CONSUME1(t.Word)),
          },
          { ALT: (): SyntaxNode => plain(this.CONSUME(t.Numeral)) },
          {
            ALT: (): SyntaxNode => {
              const text = unquote(this.CONSUME(t.Text).image);
              return { kind: "value", text, quoted: true };
            },
          },
          { ALT: (): SyntaxNode => plain(this.CONSUME1(t.Ip6)) },
          { ALT: (): SyntaxNode => plain(this.CONSUME(t.Mac)) },
          { ALT: (): SyntaxNode => plain(this.CONSUME(t.Classid)) },
          {
            // [ address ( - address )? ]
            ALT: (): SyntaxNode => {
              this.CONSUME(t.OpenBracket);
              const from = plain(this.CONSUME2(t.Ip6));
              let to: SyntaxNode | undefined;
              this.OPTION(() => {
                this.CONSUME(t.Dash);
                to = plain(this.CONSUME3(t.Ip6));
              });
              this.CONSUME(t.CloseBracket);
              return to === undefined ? from : { kind: "range", from, to };
            },
          },
        ]),
      ),
  );

  // { element ( , element )* ,? }
  readonly set = this.RULE("set", (): SyntaxNode => {
    const elements: ElementNode[] = [];
    this.CONSUME(t.OpenBrace);
    this.MANY(() => {
      elements.push(this.SUBRULE(this.element));
      this.OPTION(() => this.CONSUME(t.Comma));
    });
    this.CONSUME(t.CloseBrace);
    return { kind: "set", elements };
  });

  // key option* ( : value option* )?
  private readonly element = this.RULE("element", (): ElementNode => {
    const key = this.SUBRULE1(this.constants);
    const before = this.SUBRULE1(this.elementOptions);
    let value: SyntaxNode | VerdictNode | undefined;
    this.OPTION(() => {
      this.CONSUME(t.Colon);
      value = this.OR(
        anyOf([
          { ALT: (): SyntaxNode | VerdictNode => this.SUBRULE(this.verdict) },
          { ALT: (): SyntaxNode | VerdictNode => this.SUBRULE2(this.constants) },
        ]),
      );
    });
    const after = this.SUBRULE2(this.elementOptions);
    return this.ACTION(() => ({
      key,
      ...after,
      ...before,
      statements: after.statements.length === 0 ? before.statements : [...before.statements, ...after.statements],
      ...(value === undefined ? {} : { value }),
    }));
  });

  // ( timeout TIME | expires TIME | comment TEXT | counter … | limit … | quota … | last … | ct count … )*
  readonly elementOptions = this.RULE("elementOptions", (): ElementOptions => {
    const statements: string[] = [];
    let timeout: string | undefined;
    let comment: string | undefined;
    this.MANY(() => {
      const first = this.LA(1);
      let isStatement = true;
      this.OR(
        anyOf([
          { ALT: () => this.SUBRULE(this.counter) },
          { ALT: () => this.SUBRULE(this.limit) },
          { ALT: () => this.SUBRULE(this.quota) },
          { ALT: () => this.SUBRULE(this.last) },
          { ALT: () => this.SUBRULE(this.ctCount) },
          {
            ALT: () => {
              this.CONSUME(t.CommentWord);
              comment = this.SUBRULE(this.name);
              isStatement = false;
            },
          },
          {
            GATE: () => this.LA(1).image === "timeout" || this.LA(1).image === "expires",
            ALT: () => {
              const isTimeout = this.CONSUME1(t.Word).image === "timeout";
              const time = this.OR2(
                anyOf([{ ALT: () => this.CONSUME(t.Numeral) }, { ALT: () => this.CONSUME2(t.Word) }]),
              );
              if (isTimeout) timeout = time.image;
              isStatement = false;
            },
          },
        ]),
      );
      this.ACTION(() => {
        // What packets have left in a counter is no part of the rules.
        if (isStatement)
          statements.push(
            textOf(this.since(first))
              .replace(/^counter (packets|bytes) .*$/, "counter")
              .replace(/ used never$| used [0-9]\S*$/, ""),
          );
      });
    });
    return {
      statements,
      ...(timeout === undefined ? {} : { timeout }),
      ...(comment === undefined ? {} : { comment }),
    };
  });

  // --- declarations ------------------------------------------------------------------------------------------------------

  // expression ( . expression )* ( : ( verdict | interval? expression … | counter … ) )?
  readonly types = this.RULE("types", (): TypesNode => {
    const key = this.SUBRULE1(this.concatenation);
    let data: SyntaxNode | undefined;
    let isInterval = false;
    this.OPTION1(() => {
      this.CONSUME(t.Colon);
      this.OPTION2({
        GATE: () => this.LA(1).image === "interval",
        DEF: () => {
          this.CONSUME(t.Word);
          isInterval = true;
        },
      });
      data = this.SUBRULE2(this.concatenation);
      // ct helper, ct timeout and the like are objects.
      this.OPTION3(() => this.CONSUME2(t.Word));
    });
    return { key, isInterval, ...(data === undefined ? {} : { data }) };
  });
}

/** What a set or map holds; `isInterval`: its data are ranges. */
export interface TypesNode {
  readonly key: SyntaxNode;
  readonly data?: SyntaxNode;
  readonly isInterval: boolean;
}

/** A statement without its words. */
type Part = StatementNode extends infer S ? (S extends StatementNode ? Omit<S, "tokens"> : never) : never;

const LOG_KEYS: ReadonlySet<string> = new Set(["prefix", "level", "group", "snaplen", "queue-threshold", "flags"]);
const NAT_FLAGS: ReadonlySet<string> = new Set(["random", "fully-random", "persistent"]);
const RATE_WORDS: ReadonlySet<string> = new Set(["over", "until"]);
const SIZE_UNITS: ReadonlySet<string> = new Set(["packets", "bytes", "kbytes", "mbytes"]);

/** Fields of options; without one the option is asked whether it is there. */
const OPTION_FIELDS: ReadonlySet<string> = new Set([
  "kind",
  "length",
  "size",
  "count",
  "left",
  "right",
  "tsval",
  "tsecr",
  "type",
  "ptr",
  "value",
  "addr",
  "flags",
  "tsn",
  "stream",
  "ssn",
  "ppid",
  "init-tag",
  "a-rwnd",
  "num-outbound-streams",
  "num-inbound-streams",
  "initial-tsn",
  "cum-tsn-ack",
  "num-gap-ack-blocks",
  "num-dup-tsns",
  "lowest-tsn",
  "new-cum-tsn",
  "seqno",
  "subtype",
]);

const RELATION_WORDS: Readonly<Record<string, string>> = { eq: "==", ne: "!=", lt: "<", gt: ">", le: "<=", ge: ">=" };

const BIT_WORDS: Readonly<Record<string, BitOperator>> = { and: "&", or: "|", xor: "^", lshift: "<<", rshift: ">>" };

/** Shifts bind more than `&`, that more than `^`, that more than `|`. */
function byPrecedence(operands: readonly SyntaxNode[], operators: readonly BitOperator[]): SyntaxNode {
  let [values, signs] = [[...operands], [...operators]];
  for (const level of [["<<", ">>"], ["&"], ["^"], ["|"]] as const satisfies readonly (readonly BitOperator[])[]) {
    const nextValues: SyntaxNode[] = [values[0] ?? NOTHING];
    const nextSigns: BitOperator[] = [];
    for (const [i, operator] of signs.entries()) {
      const right = values[i + 1] ?? NOTHING;
      if (level.some((sign) => sign === operator)) {
        const left = nextValues.pop() ?? NOTHING;
        nextValues.push({ kind: "binary", operator, left, right });
      } else {
        nextValues.push(right);
        nextSigns.push(operator);
      }
    }
    [values, signs] = [nextValues, nextSigns];
  }
  return values[0] ?? NOTHING;
}

function plain({ image }: IToken): SyntaxNode {
  return { kind: "value", text: image, quoted: false };
}

export function unquote(image: string): string {
  return /^["']/.test(image) ? image.slice(1, -1) : image;
}

let parser: NftParser | undefined;

/** Made when it is first asked for: to record the grammar takes some 40 ms. */
export function nftParser(): NftParser {
  parser ??= new NftParser();
  return parser;
}

/** Whether `token` is the end of what was given to the parser. */
export function isEnd(token: IToken): boolean {
  return (token.tokenType as TokenType) === EOF;
}
