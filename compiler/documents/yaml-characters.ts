/** The characters that mean something in regular YAML, as codes. */
export const LINE_FEED = 10;
export const SPACE = 32;
export const DOUBLE_QUOTE = 34;
export const HASH = 35;
const DOLLAR = 36;
export const SINGLE_QUOTE = 39;
const OPEN_PARENTHESIS = 40;
const PLUS = 43;
export const COMMA = 44;
export const DASH = 45;
const POINT = 46;
const SLASH = 47;
export const COLON = 58;
export const OPEN_BRACKET = 91;
export const BACKSLASH = 92;
export const CLOSE_BRACKET = 93;
export const UNDERSCORE = 95;
export const OPEN_BRACE = 123;
export const BAR = 124;
export const CLOSE_BRACE = 125;
export const TILDE = 126;

export function isBlank(code: number): boolean {
  return code === SPACE || code === LINE_FEED;
}

export function isLetter(code: number): boolean {
  const lower = code | 32;
  return lower >= 97 && lower <= 122;
}

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Of keys, and of plain scalars in flow collections. */
export function isOfKey(code: number): boolean {
  // Dash, point, slash and digits stand side by side.
  return isLetter(code) || (code >= DASH && code <= 57) || code === UNDERSCORE;
}

/** Whether a plain scalar may start so, whatever follows but for a space. */
export function startsPlain(code: number): boolean {
  return (
    isLetter(code) ||
    isDigit(code) ||
    code === UNDERSCORE ||
    code === SLASH ||
    code === POINT ||
    code === DASH ||
    code === PLUS ||
    code === TILDE ||
    code === DOLLAR ||
    code === OPEN_PARENTHESIS
  );
}
