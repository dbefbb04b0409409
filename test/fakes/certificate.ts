import { generateKeyPairSync, sign } from 'node:crypto'

/** A key and a certificate that vouches for itself, as PEM. */
export interface Certificate {
  readonly key: string
  readonly cert: string
}

/** A P-256 certificate (RFC 5280 4.1) for one IPv4 address, or for a name instead, made now and valid for a day around `now` (ms). */
export function selfSigned(address: string, now = Date.now(), host?: string): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ecdsaWithSha256 = sequence(der(0x06, [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]))
  const commonName = sequence(der(0x06, [0x55, 0x04, 0x03]), der(0x0c, Buffer.from('upstream')))
  const name = sequence(der(0x31, commonName))
  const oneDay = 86_400_000
  const validity = sequence(...[now - oneDay, now + oneDay].map((at) => der(0x17, Buffer.from(utcTime(at)))))
  // 4.2.1.6: subjectAltName with one iPAddress, or one dNSName.
  const addresses = sequence(
    host === undefined ? der(0x87, address.split('.').map(Number)) : der(0x82, Buffer.from(host)),
  )
  const alternative = sequence(der(0x06, [0x55, 0x1d, 0x11]), der(0x04, addresses))
  const unsigned = sequence(
    der(0xa0, der(0x02, [2])),
    der(0x02, [1]),
    ecdsaWithSha256,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(alternative)),
  )
  const signature = der(0x03, Buffer.concat([Buffer.of(0), sign('sha256', unsigned, privateKey)]))
  const whole = sequence(unsigned, ecdsaWithSha256, signature).toString('base64')
  return {
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    cert: `-----BEGIN CERTIFICATE-----\n${whole.replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
  }
}

/** One value with its tag and length (X.690 8.1). */
function der(tag: number, content: Uint8Array | readonly number[]): Buffer {
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.from([tag, ...size, ...content])
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(0x30, Buffer.concat(parts))
}

/** `YYMMDDHHMMSSZ`. */
function utcTime(at: number): string {
  return `${new Date(at)
    .toISOString()
    .slice(2, 19)
    .replaceAll(/[^0-9]/g, '')}Z`
}
