import { isIP } from "node:net";

/** Whether a text is an address or a CIDR, such as `203.0.113.7`, `203.0.113.0/24` or `2001:db8::/32`. */
export function isAddressOrBlock(written: string): boolean {
  const [address = "", bits = "0", rest] = written.split("/");
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return rest === undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
}
