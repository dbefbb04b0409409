/** What a route carried, in words of its protocol: normalised, and without any value that could be a secret. */
export type Carried =
  | {
      readonly kind: 'http'
      readonly method: string
      readonly path: string
      /** Names of the query's parameters, as often as they were sent. */
      readonly query?: readonly string[]
    }
  | { readonly kind: 'statement'; readonly text: string }
  | {
      readonly kind: 'tool'
      readonly server: string
      readonly method: string
      readonly tool?: string
      /** Names. */
      readonly arguments?: readonly string[]
    }

/** What became of it, as far as its protocol says. */
export interface Outcome {
  /** Of HTTP. */
  readonly status?: number
  /** An SQLSTATE, or the code of a JSON-RPC error. */
  readonly error?: string
  readonly rows?: number
  /** Bytes of the request's body. */
  readonly in?: number
  /** Bytes of the answer's body. */
  readonly out?: number
  /** It did not come to its end. */
  readonly cut?: true
}

/** With the milliseconds from its entry to its end. */
export type Measured = Outcome & { readonly ms: number }
