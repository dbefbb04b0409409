/** A request of HTTP as the record has it, and what became of it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Carried } from '../../../base/carried.ts'
import { queryNames, redactedName, redactedPath } from '../../redacted.ts'
import type { Answered } from '../../route.ts'
import type { Asked } from './asked.ts'
import { hasBody } from './fields.ts'

/** Method, path and names of the query; no value of the caller's. */
export function carriedRequest(method: string, { path, query }: Pick<Asked, 'path' | 'query'>): Carried {
  const names = queryNames(query)
  const known = { kind: 'http', method: redactedName(method), path: redactedPath(path) } as const
  return names.length === 0 ? known : { ...known, query: names }
}

/** An exchange that is recorded. */
export interface Followed {
  /** Counts bytes of the answer's body. */
  readonly count: (bytes: number) => void
  /** It is at its end. */
  readonly over: () => void
}

/** To be called in the same turn in which carrying begins. `body`: the request's, where it was read before. */
export function follow(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer | undefined,
  answered: Answered,
): Followed {
  const bytes = { in: body?.length ?? 0, out: 0 }
  if (body === undefined && hasBody(request.rawHeaders))
    request.on('data', (piece: Buffer) => {
      bytes.in += piece.length
    })
  return {
    count: (count) => {
      bytes.out += count
    },
    over: () =>
      answered({
        ...(response.headersSent ? { status: response.statusCode } : {}),
        ...bytes,
        ...(response.writableFinished ? {} : { cut: true }),
      }),
  }
}
