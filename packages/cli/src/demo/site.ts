import type { Github } from './stand-in/github.ts'

/** A running broker with everything around it. */
export interface Site {
  readonly github: Github
  /** GitHub's token service as jobs reach it: through the wire that we show. */
  readonly githubUrl: string
  /** The broker's URL: its issuer, and the audience of ID tokens. */
  readonly url: string
  /** Where GitHub sends its webhooks. */
  readonly webhookUrl: string
  /** Where the broker itself listens, behind the wire that we show. */
  readonly listens: string
  readonly proxy: { readonly production: string; readonly staging: string }
  readonly logKey: string
  readonly config: string
  readonly auditReader: string
  readonly webhookSecret: string
  /** Everything secret that was made for this site. */
  readonly made: readonly string[]
  /** The broker's own log, line by line. */
  readonly log: readonly string[]
}
