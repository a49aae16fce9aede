"""Checks an app.yaml without asking Google: with the parser of the gcloud SDK itself, then for what only the
server would refuse, or would take and do the wrong thing with.

    CLOUDSDK_ROOT_DIR=... python3 validate_app_yaml.py [--env] app.yaml

Every problem is a line on stderr. With --env the environment variables go to stdout, one NAME=VALUE a line.
Ranges: https://cloud.google.com/appengine/docs/flexible/reference/app-yaml
"""

import os
import sys

sdk = os.environ["CLOUDSDK_ROOT_DIR"]
sys.path[0:0] = [os.path.join(sdk, "lib"), os.path.join(sdk, "lib", "third_party")]

from googlecloudsdk.api_lib.app import env, yaml_parsing  # noqa: E402

CHECK = {
    "timeout_sec": (1, 300),
    "check_interval_sec": (1, 300),
    "failure_threshold": (1, 10),
    "success_threshold": (1, 10),
}
HEALTH = {
    "liveness_check": ("/healthz", CHECK | {"initial_delay_sec": (0, 3600)}),
    "readiness_check": ("/readyz", CHECK | {"app_start_timeout_sec": (1, 1800)}),
}
# What App Engine adds to the memory that one asks for, for its own processes beside ours.
OVERHEAD_GB = 0.4


def problems(info):
    parsed = info.parsed
    if info.env is not env.FLEX or info.runtime != "custom":
        yield f"must be `env: flex` and `runtime: custom`, is {info.env} and {info.runtime}"
    yield from scaling(parsed.automatic_scaling)
    yield from resources(parsed.resources)
    for name, (path, ranges) in HEALTH.items():
        yield from health(name, getattr(parsed, name), path, ranges)
    account = parsed.service_account
    if not (account or "").endswith(".iam.gserviceaccount.com"):
        yield f"service_account: must be an account made for this app, is {account}; without one it is App Engine's"
    if not (parsed.network and parsed.network.session_affinity is True):
        yield "network.session_affinity: must be true"
    variables = dict(parsed.env_variables or {})
    for name, wanted in {"SESSION_STORE": "firestore", "HTTPS_ONLY": "true", "TRUSTED_PROXIES": "2"}.items():
        if variables.get(name) != wanted:
            # YAML's own true becomes True on its way.
            yield f"env_variables.{name}: must be {wanted!r}, is {variables.get(name)!r} (quote it)"


def scaling(automatic):
    if automatic is None:
        yield "automatic_scaling: is missing"
        return
    least, most = automatic.min_num_instances, automatic.max_num_instances
    if least is None or most is None or least > most:
        yield f"automatic_scaling: min_num_instances ({least}) must be at most max_num_instances ({most})"
    target = automatic.cpu_utilization and automatic.cpu_utilization.target_utilization
    if target is None or not 0.1 <= target <= 0.95:
        yield f"automatic_scaling.cpu_utilization.target_utilization: must be from 0.1 to 0.95, is {target}"


def resources(wanted):
    if wanted is None:
        yield "resources: is missing"
        return
    cpu, memory, disk = wanted.cpu, wanted.memory_gb, wanted.disk_size_gb
    if cpu is None or not (cpu == 1 or (cpu % 2 == 0 and 2 <= cpu <= 80)):
        yield f"resources.cpu: must be 1 or an even number up to 80, is {cpu}"
    elif memory is None or not 1.0 <= (memory + OVERHEAD_GB) / cpu <= 6.5:
        yield f"resources.memory_gb: with {OVERHEAD_GB} more must be from 1 to 6.5 for each core, is {memory}"
    if disk is None or not 10 <= disk <= 10240:
        yield f"resources.disk_size_gb: must be from 10 to 10240, is {disk}"


def health(name, check, path, ranges):
    if check is None:
        yield f"{name}: is missing"
        return
    if check.path != path:
        yield f"{name}.path: must be {path}, is {check.path}"
    for field, (least, most) in ranges.items():
        value = getattr(check, field)
        if value is None or not least <= value <= most:
            yield f"{name}.{field}: must be from {least} to {most}, is {value}"
    timeout, interval = check.timeout_sec, check.check_interval_sec
    if timeout and interval and timeout > interval:
        yield f"{name}: timeout_sec ({timeout}) is longer than check_interval_sec ({interval})"


def main(arguments):
    path = arguments[-1]
    try:
        info = yaml_parsing.ServiceYamlInfo.FromFile(path)
    except yaml_parsing.Error as error:
        return [" ".join(str(error).split())], {}
    return list(problems(info)), dict(info.parsed.env_variables or {})


found, variables = main(sys.argv[1:])
for problem in found:
    print(f"error: {sys.argv[-1]}: {problem}", file=sys.stderr)
if "--env" in sys.argv:
    for item in variables.items():
        print("=".join(item))
sys.exit(1 if found else 0)
