import { BlockList, isIP } from "node:net";

/** Tells who may push to an account. */
export interface AddressFilter {
  /** To be waited for before `allows` is asked. Rejects when nobody can be let in yet. Default: always ready. */
  ready?(): Promise<void>;
  allows(address: string): boolean;
}

/** Lets everybody in; signatures still decide. */
export const anyAddress: AddressFilter = { allows: () => true };

/** Lets in the addresses and CIDR blocks listed, IPv4 ones also when written as IPv6 (`::ffff:…`). */
export function createAddressFilter(cidrs: readonly string[]): AddressFilter {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = "", prefix] = cidr.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return {
    allows: (address) => {
      const plain = plainAddress(address);
      return list.check(plain, isIP(plain) === 6 ? "ipv6" : "ipv4");
    },
  };
}

/** An address as it is written by itself: an IPv4 one that was written as IPv6 (`::ffff:…`) without that. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, "");
}
