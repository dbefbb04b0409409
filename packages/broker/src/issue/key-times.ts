import type { KeyRecord } from '../store/store.ts'

/** How long things last, in seconds; all that the life of a key follows from. */
export interface KeyTimes {
  /** How long one key signs. */
  readonly rotateEvery: number
  /** The longest life of a token. */
  readonly maxToken: number
  /** How long readers may keep our JWK Set (its max-age). */
  readonly cache: number
  /** How often each broker reads the keys again. */
  readonly reload: number
  /** How far clocks may be apart. */
  readonly skew: number
}

/** The part of a key from which its state follows. */
export type KeyLife = Pick<KeyRecord, 'signsFrom' | 'signsUntil' | 'publishedUntil'>

/** OpenID readers keep keys for up to a day, whatever max-age says. */
const day = 86_400

/**
 * The least time from making a key to signing with it: by then every other broker has read it, and whatever copy of
 * the JWK Set a reader holds was fetched after that.
 */
export function leastLead(times: KeyTimes): number {
  return times.cache + 2 * times.reload + times.skew
}

/** When the successor of the newest key should be made: half its life ahead, a day at most. */
export function successorDue(newest: KeyLife, times: KeyTimes): number {
  const ahead = Math.max(leastLead(times), Math.min(day, Math.floor(times.rotateEvery / 2)))
  return newest.signsFrom + times.rotateEvery - ahead
}

/** When a key made now may sign. A scheduled one waits for its turn, one that was asked for comes as soon as it can. */
export function successorFrom(newest: KeyRecord, now: number, scheduled: boolean, times: KeyTimes): number {
  const soonest = now + leastLead(times)
  return scheduled ? Math.max(soonest, newest.signsFrom + times.rotateEvery) : soonest
}

/** Until when a key must be found by readers: the last token it signed has ended, by every clock, in every cache. */
export function publishedUntil(signsUntil: number, times: KeyTimes): number {
  return signsUntil + times.maxToken + times.skew + times.cache
}

/** Whether readers may still meet a token of this key. The settings of today may ask for more than those of then. */
export function isPublished(key: KeyLife, now: number, times: KeyTimes): boolean {
  if (key.signsUntil === undefined) return true
  return now < Math.max(key.publishedUntil ?? 0, publishedUntil(key.signsUntil, times))
}

/**
 * After this long without reading the keys, a successor might sign that we have not heard of: stop signing. It is
 * the lead, so that nobody ever signs with a key beyond its `signsUntil`.
 */
export function staleAfter(times: KeyTimes): number {
  return leastLead(times)
}

export type KeyState = 'published' | 'signing' | 'retired' | 'gone'

/** Where a key is in its life. The newest key whose time has come signs; an older one never does again. */
export function keyState(key: KeyLife, now: number, times: KeyTimes): KeyState {
  if (!isPublished(key, now, times)) return 'gone'
  if (key.signsUntil !== undefined && now >= key.signsUntil) return 'retired'
  return now >= key.signsFrom ? 'signing' : 'published'
}
