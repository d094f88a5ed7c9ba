"""Every operation of the API, written by `python -m b25.client.generate`: change the routes, not this file."""

from __future__ import annotations

from typing import Final

# name, method, path, parameters of the query after a question mark, and how the body is sent
TABLE: Final = """\
accounts GET /api/v1/account
acknowledge POST /api/v1/alerts/{alert_id}/acknowledge json
activated POST /api/v1/configurations/{ref_or_id}/activate json
active GET /api/v1/orders/active ?symbol,session
add_user POST /api/v1/users json
alert GET /api/v1/alerts/{alert_id}
get_account_alerts GET /api/v1/account/alerts
get_alerts GET /api/v1/alerts ?state,severity,rule,source,text,since_ns,until_ns,unacknowledged,limit,after
amend PATCH /api/v1/orders/{order_id} json
annotate POST /api/v1/annotations json
annotation GET /api/v1/annotations/{annotation_id}
approved POST /api/v1/configuration-desk/pending/{pending_id}/approve json
ask_backtest POST /api/v1/backtests json
ask_report POST /api/v1/reports/{name}/runs json
get_audit GET /api/v1/audit ?actor,action,object,since,until,cursor,limit
get_configurations_ref_or_id_audit GET /api/v1/configurations/{ref_or_id}/audit ?limit,offset
backtest GET /api/v1/backtests/{backtest_id}
backtest_fills GET /api/v1/backtests/{backtest_id}/fills
backtest_result GET /api/v1/backtests/{backtest_id}/result ?points
backtest_tearsheet GET /api/v1/backtests/{backtest_id}/tearsheet
backtests GET /api/v1/backtests ?limit
balances GET /api/v1/account/balances
begin_second_factor POST /api/v1/auth/mfa json
book GET /api/v1/history/book ?symbol,venue,start,end,limit,cursor,format
broadcast POST /api/v1/clients/broadcast json
cancel DELETE /api/v1/orders/{order_id} ?reason
cancel_all POST /api/v1/orders/cancel-all json
cancel_backtest DELETE /api/v1/backtests/{backtest_id}
get_history_candles GET /api/v1/history/candles ?symbol,interval,venue,start,end,limit,cursor,format
get_market_data_candles_symbol GET /api/v1/market-data/candles/{symbol} ?timeframe,venue,start_ns,end_ns,limit
catalog GET /api/v1/history/catalog
change_password POST /api/v1/auth/password json
change_profile PATCH /api/v1/profile json
change_user PATCH /api/v1/users/{name} json
check POST /api/v1/risk/check json
check_audit GET /api/v1/audit/verify
close POST /api/v1/account/positions/close json
compare_reports GET /api/v1/reports/compare ?before,after
confirm_second_factor POST /api/v1/auth/mfa/confirm json
created POST /api/v1/configurations json
custom POST /api/v1/analytics/custom json
daily GET /api/v1/account/pnl/daily ?days
dashboard GET /api/v1/analytics/dashboard
deactivated POST /api/v1/configurations/{ref_or_id}/deactivate json
dead_letters GET /api/v1/analytics/dead-letters ?state,after,limit
delete DELETE /api/v1/annotations/{annotation_id} ?version
deleted DELETE /api/v1/configurations/{ref_or_id} ?reason
differing GET /api/v1/configurations/{ref_or_id}/diff ?before,after
disconnect POST /api/v1/clients/{client_id}/disconnect json
drop_letter POST /api/v1/analytics/dead-letters/{number}/drop json
edit PUT /api/v1/annotations/{annotation_id} json
emergency_stop POST /api/v1/risk/emergency-stop json
enable POST /api/v1/risk/enable json
end_second_factor POST /api/v1/auth/mfa/end json
end_sign_in DELETE /api/v1/auth/sign-ins/{sign_in_id}
end_silence DELETE /api/v1/alerts/silences/{silence_id} ?reason
equity GET /api/v1/history/equity ?session,account,interval,start,end,limit,cursor,format
events GET /api/v1/analytics/events ?type,symbol,session,strategy,start,end,limit,cursor
export GET /api/v1/configuration-desk/export ?type,prefix,drafts
export_audit GET /api/v1/audit/export ?after
fills GET /api/v1/history/fills ?symbol,start,end,limit,cursor,format
find GET /api/v1/annotations ?kind,object,author,tag,text,parent_id,since_ns,until_ns,with_deleted,limit,after
flatten POST /api/v1/sessions/{name}/flatten json
funding GET /api/v1/history/funding ?symbol,venue,start,end,limit,cursor,format
give_reset POST /api/v1/users/{name}/reset
get_annotations_annotation_id_history GET /api/v1/annotations/{annotation_id}/history
get_orders_history GET /api/v1/orders/history ?symbol,session,since_ns,until_ns,limit,cursor
imported POST /api/v1/configuration-desk/import json
ingest POST /api/v1/analytics/events json
keys GET /api/v1/keys
known_profiles GET /api/v1/configuration-desk/profiles
limits GET /api/v1/risk/limits
list_clients GET /api/v1/clients
listed GET /api/v1/configurations ?type,state,prefix,deleted,limit,offset
get_orders GET /api/v1/orders ?symbol,session,since_ns,until_ns,limit,cursor
get_sessions GET /api/v1/sessions
get_strategies GET /api/v1/strategies
live GET /health/live
make_key POST /api/v1/keys json
make_service POST /api/v1/services json
market GET /api/v1/analytics/market ?symbol,start,end,limit
get_analytics_metrics GET /api/v1/analytics/metrics ?name,interval,dimension,member,start,end,limit,cursor,format
get_metrics GET /metrics
move_version POST /api/v1/strategies/versions/{name}/{number}/move json
names GET /api/v1/analytics/metrics/names
notifications GET /api/v1/notifications ?channel,status,alert_id,text,since_ns,limit,after
get_configurations_ref_or_id GET /api/v1/configurations/{ref_or_id} ?version
get_orders_order_id GET /api/v1/orders/{order_id}
get_strategies_name GET /api/v1/strategies/{name}
orderbook GET /api/v1/market-data/orderbook/{symbol}
get_analytics_orders GET /api/v1/analytics/orders ?symbol,strategy,start,end,limit,cursor
get_history_orders GET /api/v1/history/orders ?symbol,start,end,limit,cursor,format
parents GET /api/v1/orders/parents ?session,limit,cursor
past GET /api/v1/sessions/{name}/lives ?limit
pause POST /api/v1/sessions/{name}/pause json
pending GET /api/v1/configuration-desk/pending
ping GET /api/v1/ping
place POST /api/v1/orders json
plan POST /api/v1/configuration-desk/schedules json
planned GET /api/v1/configuration-desk/schedules
get_account_pnl GET /api/v1/account/pnl
get_history_pnl GET /api/v1/history/pnl ?session,account,interval,start,end,limit,cursor,format
policies GET /api/v1/risk/policies
positions GET /api/v1/account/positions ?symbol,session
profile GET /api/v1/profile
promoted_version GET /api/v1/strategies/versions/{name}/{number}
promoted_versions GET /api/v1/strategies/versions
put_limits PUT /api/v1/risk/limits json
re_arm POST /api/v1/sessions/{name}/re-arm json
ready GET /health/ready
refresh POST /api/v1/auth/refresh json
refused POST /api/v1/configuration-desk/pending/{pending_id}/refuse json
replay_letter POST /api/v1/analytics/dead-letters/{number}/replay json
report_metrics GET /api/v1/reports/runs/{run_id}/metrics
report_page GET /api/v1/reports/runs/{run_id}/html
report_run GET /api/v1/reports/runs/{run_id}
report_runs GET /api/v1/reports/{name}/runs ?state,limit,after
reports GET /api/v1/reports
reset POST /api/v1/auth/reset json
resume POST /api/v1/sessions/{name}/resume json
revoke_key DELETE /api/v1/keys/{key_id}
revoke_service DELETE /api/v1/services/{key_id}
roll_back_strategy POST /api/v1/strategies/versions/{name}/rollback json
rolled_back POST /api/v1/configurations/{ref_or_id}/rollback json
rotate_key POST /api/v1/keys/{key_id}/rotate json
running GET /api/v1/configurations/running ?session,key
schemas GET /api/v1/configurations/schemas
services GET /api/v1/services
session_log GET /api/v1/sessions/{name}/log ?last,alarms
set_parameter POST /api/v1/sessions/{name}/parameters json
set_up POST /api/v1/auth/setup json
sign_in POST /api/v1/auth/login json
sign_ins GET /api/v1/auth/sign-ins
sign_out POST /api/v1/auth/logout
sign_out_all POST /api/v1/auth/logout-all
signals GET /api/v1/history/signals ?symbol,session,strategy,start,end,limit,cursor,format
silence POST /api/v1/alerts/silences json
silences GET /api/v1/alerts/silences ?all_of_them
start POST /api/v1/sessions/{name}/start json
startup GET /health/startup
statistics GET /api/v1/notifications/statistics ?since_ns
stats GET /api/v1/analytics/stats ?start,end
get_risk_status GET /api/v1/risk/status
get_sessions_name GET /api/v1/sessions/{name}
get_sessions_name_status GET /api/v1/sessions/{name}/status
get_strategies_name_status GET /api/v1/strategies/{name}/status
step_up POST /api/v1/auth/step-up json
stop POST /api/v1/sessions/{name}/stop json
strategies GET /api/v1/analytics/strategies ?strategy,start,end,limit
symbols GET /api/v1/market-data/symbols
system GET /api/v1/analytics/system ?component,start,end,limit
ticker GET /api/v1/market-data/ticker/{symbol}
ticket POST /api/v1/auth/ticket
get_health GET /health
get_version GET /version
get_account_trades GET /api/v1/account/trades ?symbol,since_ms,limit,cursor
get_history_trades GET /api/v1/history/trades ?symbol,venue,start,end,limit,cursor,format
get_market_data_trades_symbol GET /api/v1/market-data/trades/{symbol} ?limit
try_channel POST /api/v1/notifications/test json
unplan DELETE /api/v1/configuration-desk/schedules/{schedule_id}
updated PUT /api/v1/configurations/{ref_or_id} json
user GET /api/v1/users/{name}
users GET /api/v1/users
validated POST /api/v1/configurations/validate json
verify GET /api/v1/auth/verify
versions GET /api/v1/configurations/{ref_or_id}/versions ?limit,offset
"""
