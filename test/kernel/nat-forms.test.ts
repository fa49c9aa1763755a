/** Translations that map addresses or shift ports: the kernel does to packets what is said of them. */
import { describe, expect, test } from "vitest";
import { printAddress, printAddressPort } from "../../compiler/net/address.ts";
import { type KernelRules, loadRules } from "../../runtime/kernel/rules.ts";
import { JUDGES, openTestNode } from "../support/differential.ts";
import { kernelMissing } from "../support/kernel.ts";
import { iptablesText, NAT_FORMS, type NatForm, nftText } from "../support/nat-forms.ts";

function rulesOf(form: NatForm, name: (typeof JUDGES)[number]): KernelRules | undefined {
  if (name === "kernel-nft") {
    const text = nftText(form);
    return text === undefined ? undefined : { kind: "nft", text };
  }
  const backend = name === "kernel-iptables-nft" ? "nft" : "legacy";
  const [ip, ip6] = form.family === "ip6" ? ["", iptablesText(form)] : [iptablesText(form), ""];
  return { kind: "iptables", backend, ip, ip6 };
}

describe.skipIf(kernelMissing !== undefined)("the kernel maps addresses and shifts ports as it is said", () => {
  test.each(JUDGES)("%s", async (name) => {
    const prober = await openTestNode();
    for (const form of NAT_FORMS) {
      const rules = rulesOf(form, name);
      if (rules === undefined) continue; // nft has no words for it
      await loadRules(prober, rules);
      const answers = await prober.send(
        form.packets.map(({ inInterface, protocol, source, destination, destinationPort }) => ({
          inInterface,
          flow: { protocol, source, destination, destinationPort },
          times: 1,
        })),
      );
      const seen = answers.map(([answer]) => {
        const head = answer?.events.flatMap((event) => (event.kind === "error" ? [] : [event.head]))[0];
        if (head === undefined) return "nothing";
        return form.chain === "POSTROUTING"
          ? printAddress(head.source)
          : printAddressPort(head.destination, head.destinationPort);
      });
      expect(seen, form.iptables).toEqual(form.becomes.map((text) => text.replace(/ \(.*/, "")));
    }
    await prober.close();
  });
});
