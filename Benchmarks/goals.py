"""What is wanted of the figures (docs/benchmarks.md says what each means), and the tables that a run prints."""

GOALS = {
    "hot_check_us": ("≤", 2),
    "cold_check_vs_argon2": ("≤", 1.1),
    "forged_key_us": ("≤", 5),
    "gateway_vs_nginx": ("≥", 0.55),
    "gateway_vs_nginx_256": ("≥", 0.65),
    "gateway_unmetered_vs_nginx": ("≥", 0.80),
    "cpu_us_per_call": ("≤", 45),
    "bytes_per_charge": ("≤", 80),
    # Twice the body and 64 KiB.
    "mib_per_call_of_4mib_body": ("≤", 8.07),
    "verify_vs_hello": ("≥", 0.9),
    "metering_added_commits_p50": ("≤", 1.2),
    "charges_per_second_hot_account": ("≥", 20_000),
    "charges_vs_raw_sqlite": ("≥", 0.5),
    "added_latency_commits_p99": ("≤", 2),
    "usage_query_ms": ("≤", 50),
    "without_fsync_vs_with": ("≥", 1),
    "many_keys_start_ms": ("≤", 2000),
    "many_keys_rss_mib": ("≤", 300),
    "many_keys_known_key_vs_few": ("≥", 0.9),
    "key_list_ms_p99": ("≤", 5),
    "key_page_ms_p99": ("≤", 5),
    "key_list_many_vs_few": ("≤", 1.2),
    "key_page_many_vs_few": ("≤", 1.2),
}


def is_met(name, value):
    """`None` where nothing is wanted."""
    if name not in GOALS:
        return None
    sign, goal = GOALS[name]
    return value <= goal if sign == "≤" else value >= goal


def show(figures, rows):
    columns = ["calls/s", "nginx", "ratio", "least", "µs/call", "p50 ms", "p99 ms", "nginx p99", "MiB"]
    if rows:
        print(f"\n{'call':<16}{'at once':>8}" + "".join(f"{column:>11}" for column in columns))
    for row in rows:
        values = [
            f"{row['rps']:.0f}", f"{row['nginx_rps']:.0f}", f"{row['ratio']:.3f}", f"{row['least_ratio']:.3f}",
            f"{row['cpu_us']:.1f}", f"{row['p50_us'] / 1000:.2f}", f"{row['p99_us'] / 1000:.2f}",
            f"{row['nginx_p99_us'] / 1000:.2f}", f"{row['rss_mib']:.0f}",
        ]  # fmt: skip
        print(f"{row['name']:<16}{row['connections']:>8}" + "".join(f"{value:>11}" for value in values))
    print(f"\n{'figure':<34}{'measured':>14}   goal")
    for name, value in sorted(figures.items()):
        sign, goal = GOALS.get(name, ("", ""))
        met = {None: "", True: "met", False: "NOT met"}[is_met(name, value)]
        print(f"{name:<34}{value:>14.3f}   {sign} {goal}  {met}".rstrip())
