/** What the log keeps of a call that waited for somebody's yes. */
export interface Waiting {
  readonly type: 'route.held' | 'route.approved'
  readonly route: string
  readonly target: string
  readonly action: string
  readonly lease: string
  /** Id by which whoever was asked knows it, `ap_...`. */
  readonly approval: string
  /** Who approved it, in their own words. */
  readonly by?: string
  /** That it waited until it was approved. */
  readonly seconds?: number
}
