import assert from "node:assert/strict";
import { test } from "node:test";
import { anyAddress, createAddressFilter } from "../../gateway/address-filter.ts";

const filter = createAddressFilter(["203.0.113.0/24", "198.51.100.7/32", "192.0.2.9", "2001:db8::/32", "::1"]);

const table: [address: string, allowed: boolean][] = [
  ["203.0.113.0", true],
  ["203.0.113.255", true],
  ["203.0.114.0", false],
  ["198.51.100.7", true],
  ["198.51.100.8", false],
  ["192.0.2.9", true],
  ["192.0.2.90", false],
  ["2001:db8:ffff::1", true],
  ["2001:DB8::1", true],
  ["2001:db9::1", false],
  ["::1", true],
  ["::ffff:203.0.113.9", true],
  ["::ffff:198.51.100.8", false],
  ["::FFFF:203.0.113.9", true],
  ["0.0.0.0", false],
  ["", false],
  ["unknown", false],
  ["203.0.113.9, 127.0.0.1", false],
  ["203.0.113.9:443", false],
];
for (const [address, allowed] of table) {
  test(`${address || "no address"} is ${allowed ? "allowed" : "refused"}`, () => {
    assert.equal(filter.allows(address), allowed);
  });
}

test("a block of a whole family lets in that family alone", () => {
  const v4 = createAddressFilter(["0.0.0.0/0"]);
  assert.deepEqual([v4.allows("8.8.8.8"), v4.allows("2001:db8::1")], [true, false]);
});

test("without a list anybody may push", () => assert.equal(anyAddress.allows("unknown"), true));
