"""Whatever goes wrong, in any mix and across restarts: nothing is paid twice, and no answer is lost."""

import random

import pytest

from qwen_dataset.errors import BackendUnavailable

from .service import Fault, Service
from .stage import IDS, outcomes_of, run, submitted

FAULTS = (
    None,
    None,
    Fault(),
    Fault(is_done=True),
    Fault(status=500),
    Fault(status=503, is_done=True),
    Fault(status=429, headers={"Retry-After": "3"}),
    Fault(status=408, is_done=True),
    Fault(status=409, is_done=True),
    Fault(status=200, body=b"<html>not the service</html>", is_done=True),
)


@pytest.mark.parametrize("seed", range(25))
def test_a_mix_of_faults_pays_once_and_brings_every_answer(service: Service, seed):
    dice = random.Random(seed)
    service.late = dice.choice([0.0, 10.0, 48.0])
    service.filters = dice.choice(["honoured", "ignored", "refused"])
    for endpoint in ("list", "upload", "create", "retrieve", "content"):
        service.fail(endpoint, *dice.choices(FAULTS, k=dice.randrange(6)))

    async def ask(question):
        """Ask as the engine does, with the settle time between two questions."""
        for _ in range(60):
            try:
                return await question()
            except BackendUnavailable:
                await service.sleep(60)
        raise AssertionError("no answer")

    async def scenario(backend):
        handle = await ask(lambda: submitted(backend))
        while not (await ask(lambda: backend.poll(handle))).ready:
            await service.sleep(60)
        return await ask(lambda: outcomes_of(backend, handle))

    def restarting():
        """Run it in a new process, as it were, whenever the dice say so."""
        if dice.random() < 0.5:
            try:
                run(service, submitted)
            except BackendUnavailable:
                service.now += 60
        return run(service, scenario)

    found = restarting()
    assert [found[each].text for each in IDS] == ["fine"] * 4
    assert len(service.created) == 1
    assert service.paid() == dict.fromkeys(IDS, 1)
