/**
 * Nodes that only compute, and what is in them: members that say nothing about names, members that hold nodes, and
 * members of a kind of their own. A kind or a member that is missing here is refused, so that a new version of the
 * parser brings nothing past the rules.
 */
export interface Shape {
  readonly plain?: readonly string[]
  readonly nodes?: readonly string[]
  readonly typed?: Readonly<Record<string, string>>
}

export const shapes: Readonly<Record<string, Shape>> = {
  A_ArrayExpr: { nodes: ['elements'] },
  A_Const: { plain: ['ival', 'fval', 'boolval', 'sval', 'bsval', 'isnull'] },
  A_Indices: { plain: ['is_slice'], nodes: ['lidx', 'uidx'] },
  BitString: { plain: ['bsval'] },
  BoolExpr: { plain: ['boolop'], nodes: ['args'] },
  Boolean: { plain: ['boolval'] },
  BooleanTest: { plain: ['booltesttype'], nodes: ['arg'] },
  CaseExpr: { nodes: ['arg', 'args', 'defresult'] },
  CaseWhen: { nodes: ['expr', 'result'] },
  CoalesceExpr: { nodes: ['args'] },
  Float: { plain: ['fval'] },
  GroupingFunc: { nodes: ['args'] },
  GroupingSet: { plain: ['kind'], nodes: ['content'] },
  Integer: { plain: ['ival'] },
  JsonIsPredicate: { plain: ['format', 'item_type', 'unique_keys'], nodes: ['expr'] },
  List: { nodes: ['items'] },
  MinMaxExpr: { plain: ['op'], nodes: ['args'] },
  MultiAssignRef: { plain: ['colno', 'ncolumns'], nodes: ['source'] },
  NamedArgExpr: { plain: ['name', 'argnumber'], nodes: ['arg'] },
  NullTest: { plain: ['nulltesttype', 'argisrow'], nodes: ['arg'] },
  ParamRef: { plain: ['number'] },
  RowExpr: { plain: ['row_format'], nodes: ['args', 'colnames'] },
  SetToDefault: {},
  SortBy: { plain: ['sortby_dir', 'sortby_nulls'], nodes: ['node'] },
  SQLValueFunction: { plain: ['op', 'typmod'] },
  String: { plain: ['sval'] },
  WindowDef: {
    plain: ['name', 'refname', 'frameOptions'],
    nodes: ['partitionClause', 'orderClause', 'startOffset', 'endOffset'],
  },
}
