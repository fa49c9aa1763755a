import { expect, test } from "vitest";
import { interfaceSetting, normalSetting } from "../../../compiler/network/setting-names.ts";

test.each([
  ["net.ipv4.conf.flannel/1.rp_filter", "net.ipv4.conf.flannel.1.rp_filter"],
  ["net.ipv4.conf.flannel/1.rp_filter", "net.ipv4.conf.flannel/1.rp_filter"],
  ["net.ipv6.conf.all.forwarding", "net.ipv6.conf.all.forwarding"],
  ["net.ipv4.ip_forward", "net.ipv4.ip_forward"],
])("%s of %s", (wanted, written) => {
  expect(normalSetting(written)).toBe(wanted);
});

test("a dot of an interface's name is a slash", () => {
  expect(interfaceSetting("ipv4", "eth0.5", "proxy_arp")).toBe("net.ipv4.conf.eth0/5.proxy_arp");
});
