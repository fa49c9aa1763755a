/** Whether counts fit a distribution. */

/** The probability that counts drawn from equal chances differ as much as `counts` do, or more (Pearson's test). Sound for
 *  more than five expected in each. */
export function chanceOfEqual(counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const expected = total / counts.length;
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  return upperGamma((counts.length - 1) / 2, statistic / 2);
}

/** The regularised upper incomplete gamma function Q(s, x): its series for small x, its continued fraction (Lentz) for
 *  large ones. */
function upperGamma(s: number, x: number): number {
  const scale = Math.exp(s * Math.log(x) - x - logGamma(s));
  if (x < s + 1) {
    let term = 1 / s;
    let sum = term;
    for (let n = 1; n < 1000 && term > sum * 1e-16; n++) {
      term *= x / (s + n);
      sum += term;
    }
    return 1 - scale * sum;
  }
  let b = x + 1 - s;
  let c = 1e300;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 1000; n++) {
    const a = -n * (n - s);
    b += 2;
    d = 1 / (a * d + b);
    c = b + a / c;
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-14) break;
  }
  return scale * fraction;
}

/** ln Γ(s) for whole and half s, by Γ(s + 1) = s Γ(s). */
function logGamma(s: number): number {
  let log = s % 1 === 0 ? 0 : Math.log(Math.PI) / 2;
  for (let k = s % 1 === 0 ? 1 : 0.5; k < s; k++) log += Math.log(k);
  return log;
}
