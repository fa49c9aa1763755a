/** Why no lab can be made on this machine, and what to do. */

import { missingTool } from "../../runtime/kernel/namespace.ts";
import type { LabTrouble } from "../../runtime/lab/lab-helper.ts";

const PACKAGES: Readonly<Record<string, string>> = {
  unshare: "util-linux",
  nsenter: "util-linux",
  nft: "nftables",
  perl: "perl-base",
};

/** Behind what the attempt to make one has told. */
export function whyNoLab({ message }: LabTrouble): string {
  const missing = missingTool(Object.keys(PACKAGES));
  if (missing !== undefined)
    return `no lab can be made here: ${missing} is not installed (Debian package ${PACKAGES[missing]})`;
  const isForbidden = /unshare:.*(?:not permitted|denied|No space)/i.test(message);
  if (!isForbidden) return `no lab can be made here: ${message}`;
  return `no lab can be made here: ${message}\nkpc lab needs root, or a kernel that lets ordinary users make user namespaces (user.max_user_namespaces above 0, kernel.unprivileged_userns_clone=1 on Debian, kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu)`;
}
