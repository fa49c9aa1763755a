/** Numbers by which session affinity remembers endpoints. */

import { type ServiceEndpoint, type ServicePort, servicePortName } from "../model/types.ts";
import { printAddressPort } from "../net/address.ts";
import { hashText } from "../net/hash.ts";

/** Gives every (Service port, endpoint) a number of 32 bits that does not depend on the other endpoints, so that what
 *  the kernel remembers survives a new compilation. Two names with one hash: the later one asked for takes the next
 *  free number. 0 and 2^32-1 are left out: nft prints them as words. */
export class Identities {
  private readonly owners = new Map<number, string>();
  private readonly numbers = new Map<string, number>();

  of(service: ServicePort, endpoint: ServiceEndpoint): number {
    const name = `${servicePortName(service)}/${service.protocol}/${printAddressPort(endpoint.address, endpoint.port)}`;
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    let number = hashText(name);
    while (number === 0 || number === 0xffffffff || this.owners.has(number)) number = (number + 1) >>> 0;
    this.owners.set(number, name);
    this.numbers.set(name, number);
    return number;
  }
}
