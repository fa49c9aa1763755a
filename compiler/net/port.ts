import type { Brand } from "./brand.ts";

/** Transport port, 1–65535, host order. */
export type Port = Brand<number, "Port">;

/** The port that `value` is, or undefined when it is none. */
export function asPort(value: number): Port | undefined {
  return Number.isInteger(value) && value >= 1 && value <= 65535 ? (value as Port) : undefined;
}

/** The port written in `text`, in decimal, or undefined when it is none. */
export function parsePort(text: string): Port | undefined {
  return /^[0-9]{1,5}$/.test(text) ? asPort(Number(text)) : undefined;
}
