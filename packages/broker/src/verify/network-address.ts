import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** What is not the public network: private, link-local (clouds' metadata), shared, multicast, reserved ... */
const inward = new BlockList()
const ranges: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
]
for (const [net, prefix] of ranges) inward.addSubnet(net, prefix, 'ipv4')

/** Networks of an organisation's own: RFC 1918, shared (RFC 6598), unique local (RFC 4193), and this machine. */
const organisation = new BlockList()
for (const [net, prefix] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  organisation.addSubnet(net, prefix, 'ipv4')
organisation.addSubnet('fc00::', 7, 'ipv6')
organisation.addAddress('::1', 'ipv6')

/** Global unicast of IPv6 (RFC 4291 2.4); everything else, mapped IPv4 included, is looked at or refused. */
const globalUnicast = new BlockList()
globalUnicast.addSubnet('2000::', 3, 'ipv6')
const tunnels = new BlockList()
tunnels.addSubnet('2001::', 32, 'ipv6')
tunnels.addSubnet('2002::', 16, 'ipv6')

/** Whether a literal address is this machine. */
export function isLoopbackAddress(address: string): boolean {
  const mapped = unmapped(address)
  return loopback.check(mapped, isIPv6(mapped) ? 'ipv6' : 'ipv4')
}

/** Whether a literal address is of an organisation's own network; never link-local, where clouds' metadata is. */
export function isPrivateAddress(address: string): boolean {
  const plain = unmapped(address)
  return isIP(plain) !== 0 && organisation.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')
}

/** Whether a literal address is on the public network, as far as an address can say. */
export function isPublicAddress(address: string): boolean {
  const plain = unmapped(address)
  if (isIPv4(plain)) return !inward.check(plain, 'ipv4')
  return globalUnicast.check(plain, 'ipv6') && !tunnels.check(plain, 'ipv6')
}

/** `::ffff:10.0.0.1` and `::ffff:a00:1` are the IPv4 address that they carry (RFC 4291 2.5.5.2). */
function unmapped(address: string): string {
  const dotted = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (dotted !== undefined) return dotted
  const hex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address)
  if (hex === null) return address
  const [high, low] = [Number.parseInt(hex[1] ?? '', 16), Number.parseInt(hex[2] ?? '', 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
