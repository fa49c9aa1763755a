/** Certificates that clients refuse because of the date. */
import type { Report } from "../diagnostics.ts";
import type { TlsTable } from "../ir/routes.ts";

const DAY = 86_400_000;

/** A certificate that expires in so many days has not been renewed in time: issuers do it before. */
const SOON_DAYS = 14;

/** Reports `certificate-time`: certificates that are not valid at `now` (milliseconds since 1970), or not for long. */
export function checkCertificateTimes({ certificates }: TlsTable, now: number, report: Report): void {
  for (const { name, notBefore, notAfter, origin } of certificates) {
    const days = Math.floor((notAfter - now) / DAY);
    const found =
      now > notAfter
        ? `expired on ${dayOf(notAfter)}: clients refuse it`
        : now < notBefore
          ? `is not valid before ${dayOf(notBefore)}: clients refuse it`
          : days < SOON_DAYS
            ? `expires on ${dayOf(notAfter)}, in ${days} days`
            : undefined;
    if (found === undefined) continue;
    const message = `certificate ${name} ${found}`;
    report({ severity: "warning", code: "certificate-time", message, ...(origin && { origin }) });
  }
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
