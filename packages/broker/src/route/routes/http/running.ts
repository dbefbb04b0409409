import type { Gate } from '../../route.ts'
import type { HttpRouteSettings } from '../../settings.ts'
import type { SignIn } from '../../sign-in.ts'
import type { Pool } from './pool.ts'
import type { Serving } from './served.ts'

/** A route that listens. */
export interface Running extends Serving {
  readonly settings: HttpRouteSettings
  readonly gate: Gate
  readonly pool: Pool
  /** Where people may come in too. */
  readonly signIn: SignIn | undefined
}
