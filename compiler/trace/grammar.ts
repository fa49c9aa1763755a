import { CstParser } from "chevrotain";
import { quickStart } from "../formats/lazy-lookahead.ts";
import { Bracketed, Colon, Greater, Iif, Mark, Protocol, TOKENS, Word } from "./lexer.ts";

/** Only syntax; what the words mean is for `to-packet.ts`. */
class PacketParser extends CstParser {
  constructor(validates = false) {
    super(TOKENS, quickStart(3, validates));
    this.performSelfAnalysis();
  }

  // PROTOCOL end ">" end extra*
  readonly packet = this.RULE("packet", () => {
    this.CONSUME(Protocol, { LABEL: "protocol" });
    this.SUBRULE(this.end, { LABEL: "from" });
    this.CONSUME(Greater);
    this.SUBRULE2(this.end, { LABEL: "to" });
    this.MANY(() => this.SUBRULE(this.extra, { LABEL: "extras" }));
  });

  // ( WORD | "[" … "]" ) ( ":" WORD )?
  readonly end = this.RULE("end", () => {
    this.OR([
      { ALT: () => this.CONSUME(Word, { LABEL: "name" }) },
      { ALT: () => this.CONSUME(Bracketed, { LABEL: "bracketed" }) },
    ]);
    this.OPTION(() => {
      this.CONSUME(Colon);
      this.CONSUME2(Word, { LABEL: "port" });
    });
  });

  // "iif" NAME | "mark" NUMBER
  readonly extra = this.RULE("extra", () => {
    this.OR([
      { ALT: () => this.CONSUME(Iif, { LABEL: "keyword" }) },
      { ALT: () => this.CONSUME(Mark, { LABEL: "keyword" }) },
    ]);
    this.CONSUME(Word, { LABEL: "value" });
  });
}

export const packetParser = new PacketParser();
