import asyncio
import os
import signal
from contextlib import asynccontextmanager
from functools import partial

import psutil
import pytest
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory

import workbench as wb
from workbench.dashboard.forking import Forked, ForkProvisioner, can_fork, forked_kernels
from workbench.dashboard.timers import Timers

pytestmark = pytest.mark.skipif(not can_fork(), reason="kernels are forked on Linux only")
ASK = """
import ipywidgets, os, sys
from IPython import get_ipython
imported = "workbench.views.anomalies.view" in sys.modules
answers = "jupyter.widget.control" in get_ipython().kernel.comm_manager.targets
import xarray
xarray.Dataset({"telemetry": ("time", [1.0, 2.0])}).isel(time=0).load()
left_out = not {"dask", "debugpy"} & set(sys.modules)
print(os.getppid(), os.getcwd(), os.environ["COLOUR"], os.environ.get("LEFT"), imported, answers, left_out)
"""

LISTED = """
from IPython import get_ipython
shell = get_ipython()
print(len(shell.kernel._kernel_modules), hasattr(shell, "_sys_modules_keys"))
"""


@pytest.fixture(scope="module")
def provisioner():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEFT", "behind")
        with forked_kernels() as name:
            patch.setattr(KernelProvisionerFactory.instance(), "default_provisioner_name", name)
            yield ForkProvisioner


@asynccontextmanager
async def a_kernel(folder):
    manager = AsyncKernelManager(transport="ipc", connection_file=str(folder / "k.json"))
    environment = {name: value for name, value in os.environ.items() if name != "LEFT"}
    await manager.start_kernel(cwd=str(folder), env=environment | {"COLOUR": "blue"})
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        yield manager, client
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


async def told_by(client, code):
    told = []
    await client.execute_interactive(code, output_hook=lambda message: told.append(message["content"]), timeout=60)
    assert not [content for content in told if "traceback" in content], told
    return "".join(content.get("text", "") for content in told)


def test_a_kernel_has_its_folder_its_environment_and_what_the_nursery_imported(provisioner, tmp_path):
    async def use():
        async with a_kernel(tmp_path) as (manager, client):
            return manager.provisioner.pid, await told_by(client, ASK), await told_by(client, "print(os.getpid())")

    pid, told, own = asyncio.run(use())
    assert told.split() == [str(provisioner.nursery.process.pid), str(tmp_path), "blue", "None", "True", "True", "True"]
    assert int(own) == pid


def test_kernels_share_most_of_their_memory(provisioner, tmp_path):
    async def use():
        async with a_kernel(tmp_path) as (manager, _):
            return psutil.Process(manager.provisioner.pid).memory_full_info()

    memory = asyncio.run(use())
    assert memory.uss < 0.15 * memory.rss


def test_a_kernel_touches_no_list_of_all_modules(provisioner, tmp_path):
    async def use():
        async with a_kernel(tmp_path) as (_, client):
            return await told_by(client, LISTED)

    assert asyncio.run(use()).split() == ["0", "False"]


def test_an_interrupt_reaches_the_kernel_and_a_killed_one_is_seen_to_have_ended(provisioner, tmp_path):
    async def use():
        async with a_kernel(tmp_path) as (manager, client):
            client.execute("print(1, flush=True)\nwhile True: pass")
            while (await client.get_iopub_msg(timeout=60))["msg_type"] != "stream":
                pass
            await manager.interrupt_kernel()
            reply = await client.get_shell_msg(timeout=60)
            os.kill(manager.provisioner.pid, signal.SIGKILL)
            await manager.provisioner.wait()
            return reply["content"].get("ename"), await manager.is_alive()

    assert asyncio.run(use()) == ("KeyboardInterrupt", False)


def test_the_timers_of_maintenance_run_in_a_process_that_is_forked(provisioner, tmp_path):
    home = tmp_path / "home"
    environment = dict(os.environ) | {"WORKBENCH_HOME": str(home)}
    with wb.open(home=home) as session:
        session.maintenance.people.set("Ann", "setup")
        session.maintenance.preventive.add("Calibrate", "SMAP", "Ann", every_days=1, lead_days=1)
        assert session.maintenance.orders.list().empty

        timers = Timers(
            lambda: pytest.fail("the server opened a session"), partial(provisioner.nursery.run_timers, environment)
        )
        asyncio.run(timers.run())
        timers.close()
        assert session.maintenance.orders.list()["title"].tolist() == ["Calibrate"]
    assert psutil.Process(provisioner.nursery.process.pid).children() == []


def test_kernels_end_with_the_nursery_and_without_it_they_start_as_usual(provisioner, tmp_path):
    async def use():
        async with a_kernel(tmp_path) as (manager, _):
            process = psutil.Process(manager.provisioner.pid)
            provisioner.nursery.process.kill()
            await asyncio.to_thread(process.wait, 30)
            assert not process.is_running()
        async with a_kernel(tmp_path) as (_, client):
            return await told_by(client, ASK)

    assert asyncio.run(use()).split()[0] == str(os.getpid())


def test_a_process_that_has_ended_takes_no_signal():
    ended = Forked(2**22 - 1 if not psutil.pid_exists(2**22 - 1) else 2**22 - 2)
    assert ended.poll() == 0
    assert ended.wait() == 0
    ended.terminate()
    ended.kill()
