import { createToken, Lexer } from "chevrotain";
import { quickLexing } from "../lazy-lookahead.ts";

/** The words of one line of a restore file. Quotation marks hold blanks together; a backslash in them takes the next
 *  character as it is (add_param_to_argv in iptables' xshared.c). */
export const Blank = createToken({ name: "Blank", pattern: /[ \t\r\f]+/, group: Lexer.SKIPPED });
export const Quoted = createToken({ name: "Quoted", pattern: /"(?:[^"\\]|\\.)*"/, label: "a quoted word" });
/** A quotation mark that nothing closes. */
export const Unclosed = createToken({ name: "Unclosed", pattern: /"/, label: "a quotation mark" });
export const Counters = createToken({ name: "Counters", pattern: /\[\d+:\d+\](?!\S)/, label: "[packets:bytes]" });
export const Bang = createToken({ name: "Bang", pattern: /!(?!\S)/, label: '"!"' });
export const Option = createToken({
  name: "Option",
  pattern: /--?[A-Za-z0-9][A-Za-z0-9-]*(?![^\s=])/,
  label: "an option",
});
export const Word = createToken({ name: "Word", pattern: /[!#-\uffff]+/, label: "a word" });

export const TOKENS = [Blank, Quoted, Unclosed, Counters, Bang, Option, Word];

export const lineLexer = new Lexer(TOKENS, quickLexing(false));
