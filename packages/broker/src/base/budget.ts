/** How much one job may use of a target; absent: as much as it wants. */
export interface Budget {
  readonly calls?: number
  readonly writes?: number
  readonly rows?: number
  readonly bytes?: number
  readonly minutes?: number
}

/** What is used of a budget. */
export interface Used {
  readonly calls: number
  readonly writes: number
  readonly rows: number
  readonly bytes: number
}
