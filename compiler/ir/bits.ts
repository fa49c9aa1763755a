/** 32 bits of `bits << by`, or of `bits >> -by`. */
export function shiftNumber(bits: number, by: number): number {
  if (Math.abs(by) > 31) return 0;
  return by < 0 ? bits >>> -by : (bits << by) >>> 0;
}
