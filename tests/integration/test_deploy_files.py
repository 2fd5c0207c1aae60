# SPDX-License-Identifier: GPL-3.0-or-later
"""The deployment files say only what is so: schemas, and every setting, port, path and name in them
compared with the services and with each other. Nothing is started and nothing fetched."""
import functools
import json
import os
import re
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

from support.services import ROOT

DEPLOY = ROOT / "deploy"
SERVICES = {"gateway": 5550, "ingest": 5551, "model": 5552}
OVERLAYS = ("local", "production")
KUBERNETES = "1.34.0"
USER = 10001


@pytest.fixture
def binaries(request):
    return ROOT / request.config.getoption("--bin")


def check_settings(binaries, name, environment):
    """What the service itself says to these settings."""
    public = {f"{name.upper()}_HTTP_ADDRESS": "0.0.0.0"}  # as the images have it
    done = subprocess.run([binaries / name, "--check"], capture_output=True, text=True, timeout=30,
                          env={"PATH": os.environ["PATH"], **public, **environment})
    assert done.returncode == 0, done.stderr


# --- Containerfile -------------------------------------------------------------------------------

def test_the_images_have_the_settings_and_ports_of_the_services(binaries):
    text = (DEPLOY / "Containerfile").read_text()
    stages = dict(re.findall(r"^FROM libraries AS (\w+)\n(.*?)(?=^FROM|\Z)", text, re.S | re.M))
    assert stages.keys() == SERVICES.keys()
    for name, stage in stages.items():
        assert f"EXPOSE {SERVICES[name]} {SERVICES[name] + 1000}" in stage
        assert re.findall(r"^USER (\S+)", stage, re.M)[-1:] in ([], [f"{USER}:{USER}"])
        settings = dict(re.findall(r"(\w+)=(\S+)", re.search(r"^ENV (.*)$", stage, re.M)[1]))
        check_settings(binaries, name, {**settings, f"{name.upper()}_ALLOW_ANONYMOUS": "true"})


# --- Compose -------------------------------------------------------------------------------------

def example():
    """{variable: value} of .env.example"""
    lines = (DEPLOY / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@functools.cache
def compose():
    text = (DEPLOY / "compose.yaml").read_text()
    return yaml.safe_load(re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: example()[found[1]], text))


def test_compose_keeps_its_schema():
    done = subprocess.run([ROOT / "build" / "venv" / "bin" / "check-jsonschema", "--builtin-schema",
                           "vendor.compose-spec", DEPLOY / "compose.yaml"], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_has_the_defaults_and_nothing_else():
    found = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", (DEPLOY / "compose.yaml").read_text()))
    assert found == example()


@pytest.mark.parametrize("name", SERVICES)
def test_a_composed_service(binaries, name):
    service = compose()["services"][name]
    check_settings(binaries, name, {key: str(value) for key, value in
                                    service["environment"].items()})
    assert service["build"]["target"] == name
    assert service["build"]["dockerfile"] == "deploy/Containerfile"
    assert service["ports"][0].rsplit(":", 1)[1] == str(SERVICES[name])
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    # The images' own health check, which the others wait for.
    assert "healthcheck" not in service
    drain_s = int(re.search(r"--drain-timeout-s.*?default (\d+)", subprocess.run(
        [binaries / name, "--help"], capture_output=True, text=True).stdout, re.S)[1])
    assert int(service["stop_grace_period"].rstrip("s")) > drain_s


def test_compose_waits_for_what_can_be_waited_for():
    services, volumes = compose()["services"], compose()["volumes"]
    for name, service in services.items():
        needed = service.get("depends_on", {})
        for other, how in (needed.items() if isinstance(needed, dict) else ()):
            assert set(services[other].get("profiles", [])) <= set(service.get("profiles", []))
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other] or other in SERVICES, (name, other)
            if how["condition"] == "service_completed_successfully":
                assert services[other]["restart"] == "no", (name, other)
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert source in volumes or (DEPLOY / source).is_dir(), (name, mount)


def test_compose_publishes_what_the_original_did():
    published = {port.rsplit(":", 2)[1]: port.rsplit(":", 2)[0]
                 for service in compose()["services"].values() for port in service.get("ports", [])}
    assert {"9870", "9000", "9092", "5550"} <= published.keys()
    assert set(published.values()) == {"127.0.0.1"}


def test_prometheus_scrapes_the_composed_services():
    config = yaml.safe_load((DEPLOY / "prometheus" / "compose.yml").read_text())
    targets = {job["job_name"]: job["static_configs"][0]["targets"]
               for job in config["scrape_configs"]}
    assert targets == {name: [f"{name}:{port + 1000}"] for name, port in SERVICES.items()}


# --- Grafana -------------------------------------------------------------------------------------

def test_the_dashboard_is_whole():
    board = json.loads((DEPLOY / "grafana" / "dashboards" / "tickline.json").read_text())
    source = yaml.safe_load((DEPLOY / "grafana" / "provisioning" / "datasources" /
                             "prometheus.yml").read_text())["datasources"][0]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            assert target["datasource"] == {"type": "prometheus", "uid": source["uid"]}
            assert target["expr"].count("(") == target["expr"].count(")")


# --- Kubernetes ----------------------------------------------------------------------------------

@functools.cache
def rendered(overlay):
    kubectl = shutil.which("kubectl")
    if not kubectl:
        pytest.skip("kubectl, which renders the overlays, is not installed")
    done = subprocess.run([kubectl, "kustomize", DEPLOY / "kubernetes" / "overlays" / overlay],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(overlay, kind):
    return {item["metadata"]["name"]: item for item in rendered(overlay) if item["kind"] == kind}


def container_of(overlay, name):
    spec = of_kind(overlay, "Deployment")[name]["spec"]["template"]["spec"]
    return spec, spec["containers"][0]


def settings_of(overlay, name):
    _, container = container_of(overlay, name)
    named = container["envFrom"][0]["configMapRef"]["name"]
    return of_kind(overlay, "ConfigMap")[named]["data"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubernetes_keeps_its_schemas(overlay):
    for item in rendered(overlay):
        if item["kind"] != "ServiceMonitor":  # the operator's own
            kubernetes_validate.validate(item, KUBERNETES, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("name", SERVICES)
def test_a_deployed_service(binaries, overlay, name):
    spec, container = container_of(overlay, name)
    settings = settings_of(overlay, name)
    check_settings(binaries, name, settings)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": SERVICES[name], "management": SERVICES[name] + 1000}
    served = re.findall(r'"GET", "(/\w+)"', (ROOT / "shared" / "service_management.c").read_text())
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        get = container[probe]["httpGet"]
        assert get["port"] == "management" and get["path"] in served
    wait_s = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    drain_s = int(settings[f"{name.upper()}_DRAIN_TIMEOUT_S"])
    assert spec["terminationGracePeriodSeconds"] > wait_s + drain_s
    assert spec["securityContext"]["runAsUser"] == USER
    assert container["securityContext"] == {"allowPrivilegeEscalation": False,
                                            "readOnlyRootFilesystem": True,
                                            "capabilities": {"drop": ["ALL"]}}
    mounted = {mount["name"]: mount["mountPath"] for mount in container.get("volumeMounts", [])}
    token_file = settings.get(f"{name.upper()}_TOKEN_FILE")
    assert (token_file is not None) == (overlay == "production")
    if token_file:
        assert token_file.startswith(mounted["tokens"] + "/")
    assert mounted.keys() == {volume["name"] for volume in spec.get("volumes", [])}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_selects_finds(overlay):
    pods = {name: item["spec"]["template"]["metadata"]["labels"]
            for name, item in of_kind(overlay, "Deployment").items()}
    assert pods.keys() == SERVICES.keys()
    for name, item in {**of_kind(overlay, "Service")}.items():
        assert item["spec"]["selector"].items() <= pods[name].items()
    for name, item in of_kind(overlay, "PodDisruptionBudget").items():
        assert item["spec"]["selector"]["matchLabels"].items() <= pods[name].items()
    for name, item in of_kind(overlay, "HorizontalPodAutoscaler").items():
        assert item["spec"]["scaleTargetRef"]["name"] in pods
    for item in of_kind(overlay, "NetworkPolicy").values():
        labels = item["spec"]["podSelector"].get("matchLabels", {})
        assert any(labels.items() <= pod.items() for pod in pods.values())
    for item in of_kind(overlay, "ServiceMonitor").values():
        for service in of_kind(overlay, "Service").values():
            assert item["spec"]["selector"]["matchLabels"].items() <= \
                service["metadata"]["labels"].items()
        assert item["spec"]["endpoints"][0]["port"] == "management"


def test_production_scales_on_lag():
    metric = of_kind("production", "HorizontalPodAutoscaler")["ingest"]["spec"]["metrics"][0]
    name = metric["pods"]["metric"]["name"]
    assert f'"{name}"' in "".join(path.read_text() for path in
                                  (ROOT / "services" / "ingest").glob("*.c"))
