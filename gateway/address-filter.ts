import { BlockList, isIP } from "node:net";

/** Tells who may push to an account. */
export interface AddressFilter {
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
      const plain = address.replace(/^::ffff:(?=\d+\.)/, "");
      return list.check(plain, isIP(plain) === 6 ? "ipv6" : "ipv4");
    },
  };
}
