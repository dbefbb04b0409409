/**
 * connect: the far end of the broker's connectors, in a network that the broker cannot reach. It dials the broker, shows
 * a token, and connects the streams that the broker opens with the places that its own words name, and with no others.
 * It decides nothing about callers and never sees their tokens. `commands/connect.ts` starts it.
 */
import { UsageFault } from '../command.ts'

/** Where something listens. */
export interface Place {
  readonly host: string
  readonly port: number
}

/** What the broker may ask for -> what is dialled then. Whatever is not here is never dialled. */
export type Places = ReadonlyMap<string, Place>

/** Reads `orders=10.0.0.7:3000` and `db.internal:5432`, which stands for itself. Throws `UsageFault`. */
export function readPlaces(texts: readonly string[]): Places {
  const places = new Map<string, Place>()
  for (const text of texts) {
    const sign = text.indexOf('=')
    const name = sign === -1 ? text : text.slice(0, sign)
    const place = placeOf(text.slice(sign + 1))
    if (place === undefined || !named.test(name))
      throw new UsageFault(`\`${text}\` is no route; write orders=10.0.0.7:3000, or 10.0.0.7:3000 alone`)
    const key = name.toLowerCase()
    if (places.has(key)) throw new UsageFault(`the route \`${name}\` is given twice`)
    places.set(key, place)
  }
  if (places.size === 0) throw new UsageFault('no route is given: the connector would serve nothing')
  return places
}

const host = String.raw`(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])`
const named = new RegExp(`^${host}(?::[0-9]{1,5})?$`)
const whole = new RegExp(`^(${host}):([0-9]{1,5})$`)

function placeOf(text: string): Place | undefined {
  const [, name, digits] = whole.exec(text) ?? []
  const port = Number(digits)
  if (name === undefined || !(port >= 1 && port <= 65_535)) return undefined
  return { host: name.replace(/^\[(.*)\]$/, '$1'), port }
}

/** The place that an authority (`orders:80`) means: by name and port first, else by the name alone. */
export function findPlace(places: Places, authority: string): Place | undefined {
  const asked = authority.toLowerCase()
  return places.get(asked) ?? places.get(asked.replace(/:[0-9]+$/, ''))
}
