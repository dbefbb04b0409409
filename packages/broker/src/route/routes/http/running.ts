import type { Gate } from '../../route.ts'
import type { HttpRouteSettings } from '../../settings.ts'
import type { SignIn } from '../../sign-in.ts'
import type { Upstream } from './carriage.ts'
import type { Serving } from './served.ts'

/** A route that listens. */
export interface Running extends Serving {
  readonly settings: HttpRouteSettings
  readonly gate: Gate
  readonly upstream: Upstream
  /** Where people may come in too. */
  readonly signIn: SignIn | undefined
}
