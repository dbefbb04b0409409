/**
 * Functions of pg_catalog that compute from their arguments, or tell how the database is built or what time it is. None
 * writes, reads a table or a file that is named by a text, waits, speaks to others or shows what others do. Any other
 * function needs a rule of its own (`CALL schema.name`). A test holds the list against the catalog of a real server.
 */
const numbers = `abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh bit_count cbrt ceil ceiling cos
  cosd cosh cot cotd degrees div erf erfc exp factorial floor gamma gcd get_bit get_byte lcm lgamma ln log log10
  min_scale mod pi power pow radians random random_normal round scale set_bit set_byte sign sin sind sinh sqrt tan tand
  tanh trim_scale trunc width_bucket`

const texts = `ascii bit_length btrim casefold char_length character_length chr concat concat_ws convert convert_from
  convert_to crc32 crc32c decode encode format initcap is_normalized left length like_escape lower lpad ltrim md5
  normalize octet_length overlay parse_ident position quote_ident quote_literal quote_nullable regexp_count
  regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table
  regexp_substr repeat replace reverse right rpad rtrim sha224 sha256 sha384 sha512 similar_to_escape split_part
  starts_with string_to_array string_to_table strpos substr substring text textlen to_ascii to_bin to_hex to_oct
  translate unicode_assigned unistr upper`

const times = `age clock_timestamp date_add date_bin date_part date_subtract date_trunc extract isfinite justify_days
  justify_hours justify_interval make_date make_interval make_time make_timestamp make_timestamptz now overlaps
  statement_timestamp timeofday timezone to_char to_date to_number to_timestamp transaction_timestamp date time
  timestamp timestamptz interval`

const aggregates = `any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp
  cume_dist dense_rank every first_value json_agg json_agg_strict json_object_agg json_object_agg_strict
  json_object_agg_unique json_object_agg_unique_strict jsonb_agg jsonb_agg_strict jsonb_object_agg
  jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict lag last_value lead max min mode
  nth_value ntile percent_rank percentile_cont percentile_disc range_agg range_intersect_agg rank regr_avgx regr_avgy
  regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy row_number stddev stddev_pop stddev_samp
  string_agg sum var_pop var_samp variance xmlagg`

const collections = `array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position
  array_positions array_prepend array_remove array_replace array_reverse array_sample array_shuffle array_sort
  array_to_json array_to_string array_to_tsvector array_upper cardinality generate_series generate_subscripts
  int4range int8range isempty json_array_elements json_array_elements_text json_array_length json_build_array
  json_build_object json_each json_each_text json_extract_path json_extract_path_text json_object json_object_keys
  json_populate_record json_populate_recordset json_strip_nulls json_to_record json_to_recordset
  json_typeof jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object
  jsonb_contains jsonb_each jsonb_each_text jsonb_exists jsonb_extract_path jsonb_extract_path_text jsonb_insert
  jsonb_object jsonb_object_keys jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array
  jsonb_path_query_first jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax
  jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof lower_inc lower_inf multirange numrange
  range_merge row_to_json to_json to_jsonb trim_array tsrange tstzrange daterange unnest upper_inc upper_inf`

const others = `abbrev area bool box broadcast center circle diagonal diameter family gen_random_uuid hashtext
  hashtextextended height host hostmask inet_merge inet_same_family isclosed isopen line lseg macaddr8_set7bit
  masklen netmask network npoints num_nonnulls num_nulls numnode path pclose phraseto_tsquery plainto_tsquery point
  polygon popen querytree radius setweight slope strip to_tsquery to_tsvector ts_delete ts_filter ts_headline ts_rank
  ts_rank_cd tsvector_to_array uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7 websearch_to_tsquery width
  xml_is_well_formed xml_is_well_formed_content xml_is_well_formed_document xmlcomment xmlexists xpath xpath_exists`

/** How the database is built, which PostgreSQL itself tells whoever is signed in, and who one is. */
const catalog = `acldefault aclexplode array_in col_description current_database current_schema current_schemas
  current_user format_type has_any_column_privilege has_column_privilege has_database_privilege
  has_foreign_data_wrapper_privilege has_function_privilege has_language_privilege has_parameter_privilege
  has_schema_privilege has_sequence_privilege has_server_privilege has_table_privilege has_tablespace_privilege
  has_type_privilege makeaclitem mxid_age obj_description pg_char_to_encoding pg_client_encoding pg_collation_for
  pg_collation_is_visible pg_column_compression pg_column_size pg_conversion_is_visible pg_describe_object
  pg_encoding_to_char pg_function_is_visible pg_get_constraintdef pg_get_expr pg_get_function_arg_default
  pg_get_function_arguments pg_get_function_identity_arguments pg_get_function_result pg_get_functiondef
  pg_get_indexdef pg_get_keywords pg_get_partition_constraintdef pg_get_partkeydef pg_get_ruledef
  pg_get_serial_sequence pg_get_statisticsobjdef pg_get_statisticsobjdef_columns pg_get_triggerdef pg_get_userbyid
  pg_get_viewdef pg_has_role pg_identify_object pg_index_column_has_property pg_index_has_property
  pg_indexam_has_property pg_input_is_valid pg_is_in_recovery pg_my_temp_schema pg_opclass_is_visible
  pg_operator_is_visible pg_opfamily_is_visible pg_options_to_table pg_partition_ancestors pg_partition_root
  pg_partition_tree pg_relation_is_publishable pg_statistics_obj_is_visible pg_table_is_visible
  pg_tablespace_location pg_ts_config_is_visible pg_ts_dict_is_visible pg_ts_parser_is_visible
  pg_ts_template_is_visible pg_type_is_visible pg_typeof row_security_active shobj_description to_regclass
  to_regcollation to_regnamespace to_regoper to_regoperator to_regproc to_regprocedure to_regrole to_regtype version`

export const harmless: ReadonlySet<string> = new Set(
  [numbers, texts, times, aggregates, collections, others, catalog].join(' ').split(/\s+/),
)
