import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Tools } from '../../../base/tools.ts'
import type { Admitted } from '../../route.ts'

/** Whose session it is: an agent that acts for somebody is somebody else. */
type Caller = Pick<Admitted, 'subject' | 'actor'>

/** Ids of sessions of the legacy mode. A server's own id is no proof of who asks: ours holds for one caller at one server. */
export interface SessionIds {
  wrap(id: string, server: string, caller: Caller): string
  /** The server's id; `undefined` for one that is not of this caller at this server. */
  unwrap(id: string, server: string, caller: Caller): string | undefined
}

/** MCP 2025-11-25, "Session Management": visible ASCII. */
const visible = /^[\x21-\x7e]{1,512}$/

/** Its key lives in this process: after a restart clients begin a new session, as they must be able to. */
export function openSessionIds({ randomBytes }: Pick<Tools, 'randomBytes'>): SessionIds {
  const key = randomBytes(32)
  const seal = (id: string, server: string, { subject, actor }: Caller) =>
    createHmac('sha256', key)
      .update(JSON.stringify([server, subject, actor, id]))
      .digest()
  return {
    wrap: (id, server, caller) =>
      `${Buffer.from(id).toString('base64url')}.${seal(id, server, caller).toString('base64url')}`,
    unwrap(text, server, caller) {
      const [, body = '', mark = ''] = /^([A-Za-z0-9_-]{2,700})\.([A-Za-z0-9_-]{43})$/.exec(text) ?? []
      const id = Buffer.from(body, 'base64url').toString()
      if (!visible.test(id)) return undefined
      return timingSafeEqual(seal(id, server, caller), Buffer.from(mark, 'base64url')) ? id : undefined
    },
  }
}

/** Whether a server may have given it. */
export function isSessionId(id: string): boolean {
  return visible.test(id)
}
