/** Names of the kernel's settings as sysctl takes them. */

/** The setting `key` of an interface, or of `all` and `default`: a dot of an interface's name is a slash there. */
export function interfaceSetting(family: "ipv4" | "ipv6", interfaceName: string, key: string): string {
  return `net.${family}.conf.${interfaceName.replaceAll(".", "/")}.${key}`;
}

/** `name` as sysctl prints it, also where it has the dots of an interface's name as they are. */
export function normalSetting(name: string): string {
  const [, family, interfaceName = "", key = ""] = /^net\.(ipv[46])\.conf\.(.+)\.(\w+)$/.exec(name) ?? [];
  return family === "ipv4" || family === "ipv6" ? interfaceSetting(family, interfaceName, key) : name;
}
