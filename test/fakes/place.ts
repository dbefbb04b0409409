/** A place where credentials of one kind are made, for tests that look there for what should be gone. */
import type { TestContext } from 'node:test'
import { atEnd } from './at-end.ts'
import { type HeldWire, openHeldWire } from './held-wire.ts'

export interface Place {
  /** The policy's word for the kind. */
  readonly kind: string
  /** Its settings in the policy. */
  readonly settings: unknown
  /** What goes into `connections` of the configuration, as JSON. */
  readonly connections: Readonly<Record<string, unknown>>
  /** Files that the connections name. */
  readonly files?: Readonly<Record<string, string>>
  /** Between the broker and the place; absent where a credential is made in the broker itself. */
  readonly wire?: HeldWire
  /** Only where credentials are taken back: what is there now of ours. */
  readonly live?: () => Promise<readonly string[]>
  /** Only where they cannot be taken back: what the entry of a lease's end says. */
  readonly outlives?: RegExp
  /** Further members of a request for it. */
  readonly asked?: Readonly<Record<string, string>>
}

/** What all places have in common. */
export interface Ground {
  readonly t: TestContext
  /** Milliseconds since 1970; goes on with a test's own clock. */
  readonly now: () => number
  /** The broker's URL, for those who trust its tokens. */
  readonly issuer: () => string
}

/** A wire to the server of a URL, and the URL that goes over it. */
export async function wired(t: TestContext, url: string): Promise<{ wire: HeldWire; url: string }> {
  const over = new URL(url)
  const wire = await openHeldWire(over.hostname, Number(over.port))
  atEnd(t, () => wire.close())
  over.port = String(wire.port)
  // As it was written: no slash where there was none.
  return { wire, url: url.endsWith('/') ? over.href : over.href.replace(/\/$/, '') }
}
