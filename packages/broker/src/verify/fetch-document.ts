import { lookup as systemLookup } from 'node:dns'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { get as httpsGet } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { isLoopbackAddress, isPrivateAddress, isPublicAddress } from './network-address.ts'

/** Where a document may come from, beyond https on public addresses. */
export interface Reach {
  /** Private addresses too (GitHub Enterprise Server, clusters). */
  readonly privateNetwork: boolean
  /** Plain http, on loopback only. */
  readonly loopbackHttp: boolean
}

/** Reads one JSON document; throws when anything about it is not as it must be. */
export type FetchDocument = (url: URL, reach: Reach) => Promise<unknown>

/** A document is 100 KiB and 5 s at most, from the first packet to the last. */
export const documentLimits = { bytes: 102_400, milliseconds: 5000 } as const

interface DocumentLimits {
  readonly bytes: number
  readonly milliseconds: number
}

/**
 * Fetches a JSON document of a configured issuer. No redirects, no proxies, no credentials; the address is checked
 * after the name was resolved and is the one that is connected to, so that a name cannot turn inwards in between.
 */
export function fetchDocument(
  url: URL,
  reach: Reach,
  limits: DocumentLimits = documentLimits,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    checkUrl(url, reach)
    let answered = false
    const get = url.protocol === 'https:' ? httpsGet : httpGet
    const request = get(
      url,
      { agent: false, headers: { accept: 'application/json' }, lookup: pinned(reach), maxHeaderSize: 16_384 },
      (response) => {
        answered = true
        read(response, limits.bytes).then(resolve, reject)
      },
    )
    // The whole exchange, not the silence between two bytes: a slow trickle ends as well.
    const timer = setTimeout(() => request.destroy(new Error('took too long')), limits.milliseconds)
    request.on('error', reject)
    request.on('close', () => {
      clearTimeout(timer)
      // An upgrade (101) closes the connection with neither an error nor a response. Whoever waits must hear of it.
      if (!answered) reject(new Error('closed without an answer'))
    })
  })
}

/** Throws for what must not be asked at all. */
export function checkUrl(url: URL, reach: Reach): void {
  if (url.username !== '' || url.password !== '') throw new TypeError('a URL with credentials')
  const host = bare(url.hostname)
  // A literal address is not looked up, so it is checked here, before anything is sent to it.
  if (isIP(host) !== 0 && !isAllowed(host, reach)) throw new TypeError('an address that is not allowed')
  if (url.protocol === 'https:') return
  const loopback = url.hostname === 'localhost' || isLoopbackAddress(host)
  if (url.protocol !== 'http:' || !reach.loopbackHttp || !loopback) throw new TypeError('not https')
}

/** Looks a name up once, and only for addresses that may be reached. */
export function pinned(reach: Reach): LookupFunction {
  return (hostname, options, callback) => {
    systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0)
      const [first] = addresses
      if (first === undefined || !addresses.every(({ address }) => isAllowed(address, reach))) {
        return callback(new Error('an address that is not allowed'), '', 0)
      }
      return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family)
    })
  }
}

function isAllowed(address: string, reach: Reach): boolean {
  return (
    isPublicAddress(address) ||
    (reach.privateNetwork && isPrivateAddress(address)) ||
    (reach.loopbackHttp && isLoopbackAddress(address))
  )
}

function bare(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

async function read(response: IncomingMessage, most: number): Promise<unknown> {
  try {
    if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}`)
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > most) throw new Error('larger than any such document')
      chunks.push(chunk)
    }
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
  } finally {
    response.destroy()
  }
}
