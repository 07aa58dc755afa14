"""Finds every sentence in the source that may be shown to a person, and knows those that are put together of parts."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import attrs

import qwen_dataset

SOURCE = Path(qwen_dataset.__file__).parent

# Files and folders without a sentence for the terminal, and why so.
NOT_SAID = {
    "testing": "a kit for other people's tests: what it says is said by pytest",
    "__init__.py": "Python's own way to say that a module lacks a name",
    "domain/back_matter.py": "expressions",
    "domain/boilerplate.py": "expressions",
    "domain/passages.py": "says that our own code is wrong",
    "domain/references.py": "expressions",
    "domain/sentences.py": "expressions",
    "domain/recipes/instruct_prompts.py": "said to the model, in the language of the paper",
    "adapters/readers/atoms.py": "expressions",
    "adapters/readers/outline.py": "expressions",
    "adapters/readers/latex/commands.py": "names of commands",
    "adapters/readers/latex/conditions.py": "names of commands",
    "adapters/readers/latex/definitions.py": "names of commands",
    "adapters/readers/latex/environments.py": "names of environments",
    "adapters/readers/latex/references.py": "expressions",
    "adapters/readers/latex/rules.py": "what is written into the text of a paper",
    "adapters/readers/latex/units.py": "names of units",
    "adapters/readers/latex/writing.py": "what is written into the text of a paper, in its language",
    "adapters/readers/html/formulas.py": "expressions, and TeX",
    "adapters/inference/fake/batch_file.py": "what the service says of a line: data",
    "adapters/inference/fake/lies.py": "names of the fake's dice",
    "adapters/inference/fake/fate.py": "names of the fake's dice",
    "adapters/inference/fake/passage.py": "expressions",
    "adapters/inference/fake/phrases.py": "the fake's answers",
    "adapters/inference/fake/spoil.py": "the fake's answers",
    "adapters/inference/fake/stock.py": "the fake's answers",
    "adapters/inference/fake/topic.py": "the fake's answers",
    "app/cli/chinese": "what is tested here",
    "app/cli/logs.py": "lines of the log file, which is English",
}

# Texts of the other files that are no sentences, by how they begin.
NO_SENTENCE = {
    "names of parameters": r"\nmodel messages ",
    "codes of a service": r"(?:(?:[A-Z][A-Za-z.]*|[a-z]+_[a-z_]+|cancelled|expired)(?: |$))+$",
    "SQL": r"(?:SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|\{inner\} ORDER BY) |\(?(?:OR \(?)?(?:fate|open) (?:=|IN) "
    r"|(?:position|id) (?:BETWEEN|IN|BLOB) ",
    "an expression": r".*(?:\\b|\(\?:|\\\.\?)",
    "a format of log lines": r"(?:the|event|an|shard|batch|file|created|%s) .*%[sdr]|%\(|the entry points of an inst",
    "the help of --help": r"(?:Make|Go on with|Stop|Show|Ask|Delete|Print|Look) .*\.$",
    "the file that `config init` writes": r"##? |\{said\}|; option: |_\{language",
    "a key or name that is put together": r"\S*\{[^}]*\}\S*$",
}

# Texts that nobody is told, each with the reason.
INTERNAL = {
    "{path} line ": "the place of a prompt, which stands in a sentence",
    "{value} is no text": "stands in brackets behind the sentence about the file",
    "Figures and tables": "a heading in the text of a paper",
    "header:If-None-Match: *": "a word of the client of S3",
    "open() comes first": "says that our own code is wrong",
    "only an owner appends": "says that our own code is wrong",
    "the paper of an instruct request is needed to locate its evidence": "says that our own code is wrong",
    "{self.path} is not open for writing": "says that our own code is wrong",
    "usage: python -m qwen_dataset.adapters.inference.fake.service PATH-OF-AN-EXISTING-FILE\n": "a tool for testers",
    "unavailable {what}": "the name of one of the fake's dice",
    "stray {request.id} {run}": "the name of one of the fake's dice",
    "duplicate text": "the name of one of the fake's dice",
    "batch_{len(self._by_id) + 1}": "an id",
    "  id {paper.id}": "an id",
    "{self.job}/shards/{shard}-{key.rsplit('/', 1)[-1]}.ids": "a key",
    "batch status": "part of a command to type",
    "qwen-dataset {verb} {job_id}{where}{more}": "a command to type",
    " --storage {shlex.quote(storage)}": "part of a command to type",
    " --backend {shlex.quote(str(backend))}": "part of a command to type",
    "Callable[..., Any]": "a type",
    "free allocated quota exceeded": "what Bailian says, to know it by",
    "check your plan and billing": "what Bailian says, to know it by",
    "account is in good standing": "what Bailian says, to know it by",
    "upload file (capacity|number) exceed": "what Bailian says, to know it by",
    "may contain inappropriate content": "what Bailian says, to know it by",
    "expecting '.*' delimiter": "what Bailian says, to know it by",
    "please retry the request": "what Bailian says, to know it by",
    "throttled due to system capacity limits": "what Bailian says, to know it by",
    "role must be in \\[": "what Bailian says, to know it by",
    "upstream connect error|reset reason|disconnect/reset before headers": "what gateways say, to know it by",
    "url error": "what Bailian says, to know it by",
    "Received redirect": "what obstore says, to know it by",
    "status code: (\\d{3})": "what obstore says, to know it by",
    "169\\.254\\.(169\\.254|170\\.\\d+)|instance metadata|credentials? endpoint": "what obstore says, to know it by",
    "keys that were there are gone": "says that our own code is wrong",
    "profile {profile}": "a section of a file of AWS",
    "the SDK refused the arguments, before it sent them": "which exception of an SDK means what",
    "the service answered with an error; the exception carries it": "which exception of an SDK means what",
    "of a part of the SDK that is not used here": "which exception of an SDK means what",
    "the SDK refused the call; nothing was sent": "which exception of an SDK means what",
    "no answer came; the cause says whether the request was sent": "which exception of an SDK means what",
    "an answer came that cannot be read": "which exception of an SDK means what",
    "an answer with an error status came": "which exception of an SDK means what",
    "Bearer {self._options.key()}": "a header",
    "{requests} requests of {key}": "a description that the service keeps",
    "dict[str, Any]": "a type",
    "tuple[str, Outcome] | None": "a type",
    'pip install "qwen-dataset[dashscope]"': "a command to type",
    "the last attempt returns or raises": "says that our own code is wrong",
    "Mapping[str, Any] | None": "a type",
    "Path | None": "a type",
    "computed from ": "stands in --json only, as every source does",
    "pip install \"qwen-dataset{f'[{extra}]' if extra else ''}\"": "a command to type",
    "This is test {secrets.token_hex(8)}.": "said to the model",
    "a task": "says that our own code is wrong",
    "a paper that was read": "says that our own code is wrong",
    "the limits of reading": "says that our own code is wrong",
    "the parts of a paper": "says that our own code is wrong",
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from qwen_dataset.app.wiring.reading_worker import main;"
    " main(sys.argv[2].encode())": "a program",
    "bytes | None": "a type",
    "{size / _MB} MB": "a size",
    " or ": "joins words of a file that `config init` writes, and of the fake's parameters",
}

_WAY_OUT = "restore it from a copy, or delete its job's folder (with its paid answers) and run generate again"
_KEYS_BELONG = (
    "an address never holds a key, because it is shown and stored: leave it out, and set the key in the environment"
    " (such as DASHSCOPE_API_KEY)"
)
_ANSWERED = "71 = 72 completions + 73 failures + 74 not yet answered"
_RUN = "requests 71 done, 72 failed, 73 in all; 0:74 elapsed, round 75"
_FUNCTION = "it must be a plain function that returns the key as a text"
_SWITCHED = "(--realtime, USE_BATCH or use_batch); change one of the two"
_BUSY = "job a-71 is being worked on by another process"
_PRUNED = "71 objects of 72 jobs"
_SOURCES = ("", " (default)", " (--model)", " (argument model)", " (environment QIANWEN_MODEL)", " (my.toml line 71)",
            " (.env line 71 QIANWEN_MODEL)", " (returned by its function)", " (设置 a.toml line 71)")  # fmt: skip

# Parts of sentences, and sentences of which a name stands for words of ours, each as a person reads it.
COMPOSED: dict[str, list[str]] = {
    # plans and prices
    "* the cheapest of its currency that is done within {within}, as far as is known": [
        "* the cheapest of its currency that is done within 71 h, as far as is known"
    ],
    "no way with a known price is known to be done within {within}": [
        "no way with a known price is known to be done within 71 min"
    ],
    "an account may ask {' and '.join(paces)} a minute": [
        "an account may ask 71 requests a minute",
        "an account may ask 71 tokens a minute",
        "an account may ask 71 requests and 72 tokens a minute",
    ],
    "as measured: {facts.measured_source}; not promised": [
        "as measured: batches of 2 to 1,000 requests, 2026; not promised"
    ],
    "tokens in": [],
    "tokens out": [],
    "tokens out  {about}, {bound}": [
        "tokens out  about 71, at most 72",
        "tokens out  not known, with no bound",
    ],
    "from {_span(least, up=True)}": ["from 71 s"],
    "up to {_span(most, up=True)}": ["up to 71 d"],
    "{_span(least)} to {_span(most, up=True)}": ["71 min to 72 h"],
    "{_time(way.duration)}, too late": ["71 min to 72 h, too late", "from 71 h, too late"],
    "{_time(way.duration)}, maybe late": [
        "71 s to 72 h, maybe late",
        "up to 71 h, maybe late",
        "not known, maybe late",
    ],
    "{model} in {region}, {mode}, {f'in {currency}' if currency else 'prices not known'}": [
        "qwen-plus in cn-71, thinking, in C72",
        "qwen-plus in http://h71:72/v1, without thinking, prices not known",
    ],
    "in {currency}": ["qwen-plus in cn-71, thinking, in C72"],
    "the prices cannot be read from {file}: {why}": [
        "the prices cannot be read from x71.toml: it is not there",
        "the prices cannot be read from x71.toml: Permission denied",
    ],
    "{shown(name)} is no field of {what}; there are {', '.join(names)}": [
        f"{front}'x72' is no field of {what}; there are x73, x74"
        for front, what in (
            ("my71.toml is not a file of prices: ", "a file of prices"),
            ("my71.toml is not a file of prices: ", "context_cache"),
            ("my71.toml, price 75 ('m76'): ", "a price"),
            ("my71.toml, price 75: ", "a tier"),
            ("my71.toml, price 75: ", "half_price"),
        )
    ],
    "a file of prices": [
        "my71.toml is not a file of prices: 'x72' is no field of a file of prices; there are prices, sources"
    ],
    "a price": ["my71.toml, price 75 ('m76'): 'x72' is no field of a price; there are model, region"],
    "a tier": ["my71.toml, price 75 ('m76'): 'x72' is no field of a tier; there are input, output"],
    "{where}, price {number}{which}: {wrong}": [
        "my71.toml, price 72 ('m73'): model is missing",
        "my71.toml, price 72: input is 'x73'; it must be a number of at least 0",
        "my71.toml, price 72: way is 'x73'; it must be one of realtime, batch, batch-chat",
        "my71.toml, price 72: currency is 'x73'; it must be three capital letters, such as CNY",
        "my71.toml, price 72: source is 73; it must be a text, or a list of keys of [sources]",
        "my71.toml, price 72: note is 73; it must be a text",
        "my71.toml, price 72: up_to is 73; it must be a whole number of tokens",
        "my71.toml, price 72: base URL 'http:x73' is not a URL: give one like https://host:port/v1",
    ],
    "currency is {shown(found)}; it must be three capital letters, such as CNY": [
        "my71.toml, price 72: currency is 'x73'; it must be three capital letters, such as CNY"
    ],
    "way is {shown(name)}; it must be one of {', '.join(PriceWay)}": [
        "my71.toml, price 72: way is 'x73'; it must be one of realtime, batch, batch-chat"
    ],
    "half_price names {half.value}, which is the way of this row itself": [
        "my71.toml, price 72: half_price names batch, which is the way of this row itself"
    ],
    "region is {shown(found)}; did you mean {near[0]}?": [
        "my71.toml, price 72: region is 'x73'; did you mean cn-beijing?"
    ],
    "{name} is {shown(value)}; it must be a table": [
        "my71.toml is not a file of prices: sources is 72; it must be a table"
    ],
    "{where} is not a file of prices: {wrong}": ["my71.toml is not a file of prices: title is missing"],
    # app/cli
    " (did you mean \\1?)": ["no such option '--jsno' (did you mean '--json'?); see `qwen-dataset status --help`"],
    " from {state.papers} papers": ["job a-71: 72 requests from 73 papers"],
    "job {job_id}: {state.requests} requests{source}": [
        "job a-71: 72 requests",
        "job a-71: 72 requests from 73 papers",
    ],
    "1 of more than {_COUNTED}": ["request     1 of more than 71, id x72"],
    "1 of {1 + more}": ["request     1 of 71, id x72"],
    "add --wait, or name another --storage": [
        (
            "a job in the storage memory: ends with this command, and what was paid is lost; add --wait, or name"
            " another --storage"
        )
    ],
    "as a batch": ["requests for m71 go as a batch to: the fake on this machine: nothing leaves it, nothing is paid"],
    "one by one": ["requests for m71 go one by one to: fake"],
    "{options.destination} (Batch Chat, half price)": [
        "requests for m71 go one by one to: h72.com (Bailian, cn-73) (Batch Chat, half price)",
    ],
    "once nothing has moved for {hours} hours": [
        "what the batch has not done once nothing has moved for 71 hours is asked one by one, at full price",
    ],
    "{config.after} after it began": [
        "what the batch has not done 71h after it began is asked one by one, at full price",
    ],
    "what the batch has not done {when} is asked one by one, at full price": [
        "what the batch has not done 71h after it began is asked one by one, at full price",
    ],
    "{redact(record.getMessage())}; the run waits, and asks again": [
        "the backend could not be asked: no connection to h71 (x72); the run waits, and asks again",
        "the backend does not cancel shard 71 of job a-72: x73; the run waits, and asks again",
    ],
    "run again with another --model": [
        (
            "the service answered HTTP 71 x72: 对 73; check the model's name, and that this region and this way of"
            " calling offer it; run again with another --model"
        ),
    ],
    "what is submitted goes on at the service ({stop_it} stops it); {go_on}": [
        (
            "job a-71 was interrupted; what had been answered is kept; what is submitted goes on at the service"
            " (qwen-dataset cancel a-71 stops it); go on with: qwen-dataset resume a-71"
        ),
    ],
    "{error}; `qwen-dataset batch list --remote` shows those that are there": [
        "'x71' is not the id of a batch; `qwen-dataset batch list --remote` shows those that are there",
    ],
    "{_in_a_line(error)}; check base_url, region, network and proxy": [
        "no connection to h71:72 (x73); check base_url, region, network and proxy",
    ],
    "--status is {', '.join(map(quoted, unknown))}; known are {', '.join(_STATUSES)}": [
        "--status is 'x71'; known are validating, in_progress",
    ],
    "requests for {route.model} go {how} to: {route.destination or route.backend}": [
        "requests for m71 go one by one to: x72"
    ],
    "candidates  {sums.candidates} = {sums.samples} {what} + {sums.rejects} rejects": [
        "candidates  71 = 72 samples + 73 rejects",
        "candidates  71 = 72 answers + 73 rejects",
    ],
    "deleted {_total(gone)}": [f"deleted {_PRUNED}"],
    "to delete: {_total(found)}": [f"to delete: {_PRUNED}"],
    "failures    ": ["failures    71 expired", "failures    71 expired, 72 unknown, 73 timeout"],
    "rejects     ": ["rejects     71 no_json, 72 truncated, 73 duplicate"],
    "go on with: {command('resume', display.job_id, storage, more)}": [
        "job a-71 was interrupted; what had been answered is kept; go on with: qwen-dataset resume a-71"
    ],
    " and {len(places) - 1} more": [
        "failed  expired  对 (may be asked again)  [papers/a71.md and 72 more]",
    ],
    "reject  {record['reason']}  {detail} ({again})  [{where}]": [
        "reject  truncated  对 (may be asked again)  [papers/a71.md]",
    ],
    ", then resume": ["the service answered HTTP 71 x72: 对 73; settle the account in Bailian's console, then resume"],
    "check the model's name": ["check the model's name, and that this server offers it"],
    "go on with: {command('resume', status.job_id, storage)}": [
        "nothing was written, as job a-71 is not finished; go on with: qwen-dataset resume a-71"
    ],
    "try again later": ["nothing was written, as job a-71 is not finished; try again later"],
    "nothing was written, as job {status.job_id} is not finished; {what_next}": [
        "nothing was written, as job a-71 is not finished; try again later"
    ],
    "{command('resume', error.job, storage)} or {command('cancel', error.job, storage)}": [
        (
            "71 of these requests are under way in job a-72; nothing was submitted: resume or cancel that job, then run"
            " this again; qwen-dataset resume a-72 or qwen-dataset cancel a-72"
        )
    ],
    "job {status.job_id} is {state.phase}: {state.completed} of {state.requests} requests are answered and kept": [
        "job a-71 is finished: 72 of 73 requests are answered and kept",
        "job a-71 is stopped: 72 of 73 requests are answered and kept",
    ],
    "{kept}; go on with: {what_next}": [
        "job a-71 is stopped: 72 of 73 requests are answered and kept; go on with: qwen-dataset resume a-71",
    ],
    "{go_on} --max-cost {money(error.needed, '')}": [
        (
            "job a-71 stops at its limit of 72.00 CNY: 73.00 CNY are spent, and the next request is only sent where"
            " 74.00 CNY are allowed; 75 of 76 requests are answered and kept, 77 are left: resume it with a higher"
            " --max-cost; go on with: qwen-dataset resume a-71 --max-cost 78.00"
        )
    ],
    "may be asked again": ["failed  timeout  the model did not answer in time (may be asked again)  [x71.md]"],
    "merged      {report.kept} lines kept, {report.known} {what} were among them": [
        "merged      71 lines kept, 72 samples were among them",
        "merged      71 lines kept, 72 answers were among them",
    ],
    "{sums.completions} completions + {sums.failures} failures + {sums.unanswered} not yet answered": [
        f"requests    {_ANSWERED}"
    ],
    "requests    {sums.requests} = {answers}": [f"requests    {_ANSWERED}"],
    "requests    {counts['total']} = {answers}": ["requests    71 = 72 answered + 73 failed"],
    "{counts['completed']} answered + {counts['failed']} failed": ["requests    71 = 72 answered + 73 failed"],
    "requests    {batch.total} = {answers}": ["requests    71 = 72 answered + 73 failed"],
    "{batch.completed} answered + {batch.failed} failed": ["requests    71 = 72 answered + 73 failed"],
    ", {batch.failed} failed": ["completed    2026-11-22 19:05  72/73, 74 failed  batch_71  my_batch"],
    "line {shown}: {reason}": ["line 71, 72: x73: x74"],
    "error       {reason}": ["error       x71: x72"],
    " + {missing} not yet answered": ["requests    71 = 72 answered + 73 failed + 74 not yet answered"],
    ", {counts['failed']} failed": ["completed    2026-11-22 19:05  71/72, 73 failed  a-74"],
    ", {state.failed} failed": ["a-71  running   2026-11-22 19:05  72/73 answered, 74 failed"],
    "{job}  {state.phase}  {when(status.updated_at)}  {state.completed}/{state.requests} answered{failed}": [
        "a-71    running   2026-11-22 19:05  72/73 answered",
        "a-71  finished  -                 72/73 answered",
    ],
    "requests {done} done, {progress.failed} failed, {progress.total} in all; {duration(now - self._began)} elapsed,"
    " {self._left(done, progress, now)}": [f"{_RUN} done"],
    "round {progress.round} done": [f"{_RUN} done"],
    "round {progress.round}, about {duration((now - self._began) / gained * missing)} left": [
        f"{_RUN}, about 0:76 left"
    ],
    "round {progress.round}, time left not known yet": [f"{_RUN}, time left not known yet"],
    "the {name}": [
        f"the {kind} holds a control character; write it on one line, such as fake:?seed=7"
        for kind in ("backend", "storage", "recipe", "writer")
    ],
    "{path} written; `{language.NAME} config show` tells what counts": [
        "my71.toml written; `qwen-dataset config show` tells what counts"
    ],
    "  {paper.language}, {paper.reader}, {len(paper.sections)} sections, {len(division.passages)} passages,"
    " {tokens} tokens, {len(paper.text)} characters": [
        "  zh, markdown/1, 71 sections, 72 passages, 73 tokens, 74 characters",
    ],
    "  left out (characters): {each}": [
        "  left out (characters): 71 references",
        "  left out (characters): 71 references, 72 declarations, 73 too_short",
    ],
    "in all: {_told(self.all)}": ["in all: 71 papers, 72 passages, 73 tokens, 74 characters"],
    "left out ({part.reason.value}):": ["left out (licence):", "left out (front_matter):", "left out (contents):"],
    "{model}: tokens {_NOT_QWEN}": ["m71: tokens counted as Qwen3.5's, which it may not be"],
    "{model}: tokens {_DOUBTS[known]}": ["m71: tokens counted as Qwen3's; as Qwen3.5's English +3 %, Chinese -12 %"],
    # app/api, app/engine, app/dataset
    "{owner}; it was asked to cancel and will do so at its next poll": [
        f"{_BUSY}; it was asked to cancel and will do so at its next poll"
    ],
    "cannot be read": [f"jobs/71.json cannot be read; {_WAY_OUT}"],
    "cannot be read ({type(error).__name__}: {error})": [
        f"jobs/71.json cannot be read (Error72: '73'); {_WAY_OUT}",
    ],
    "is missing": [f"jobs/71.json is missing; {_WAY_OUT}"],
    "holds an outcome of a request that is not in the plan": [
        f"jobs/71.json holds an outcome of a request that is not in the plan; {_WAY_OUT}"
    ],
    "holds {len(lines)} of the {outcomes} outcomes that its event names": [
        f"jobs/71.json holds 72 of the 73 outcomes that its event names; {_WAY_OUT}"
    ],
    "holds {len(lines)} of the {len(ids)} requests that the ids beside it name": [
        f"jobs/71.json holds 72 of the 73 requests that the ids beside it name; {_WAY_OUT}"
    ],
    "holds other requests than the ids beside it name": [
        f"jobs/71.json holds other requests than the ids beside it name; {_WAY_OUT}"
    ],
    "holds more than the {state.requests} requests that were planned": [
        f"jobs/71.json holds more than the 72 requests that were planned; {_WAY_OUT}"
    ],
    "does not have the checksum that stands beside it": [
        f"jobs/71.json does not have the checksum that stands beside it; {_WAY_OUT}"
    ],
    "holds {given} of the {len(self.wanted)} requests that are to be asked": [
        f"jobs/71.json holds 72 of the 73 requests that are to be asked; {_WAY_OUT}"
    ],
    "holds a request twice": [f"jobs/71.json holds a request twice; {_WAY_OUT}"],
    "holds two outcomes of one request": [f"jobs/71.json holds two outcomes of one request; {_WAY_OUT}"],
    "holds {position} of the {event.requests} requests that were planned": [
        f"jobs/71.json holds 72 of the 73 requests that were planned; {_WAY_OUT}"
    ],
    "holds {len(ids)} ids that are not the {event.requests} of its shard": [
        f"jobs/71.json holds 72 ids that are not the 73 of its shard; {_WAY_OUT}"
    ],
    "does not have the requests of shard {event.shard} in the chunks that its event names": [
        f"jobs/71.json does not have the requests of shard 72 in the chunks that its event names; {_WAY_OUT}"
    ],
    "lacks request {request_id} that is in the plan": [
        f"jobs/71.json lacks request x72 that is in the plan; {_WAY_OUT}"
    ],
    "is not in the order of the plan": [f"jobs/71.json is not in the order of the plan; {_WAY_OUT}"],
    "lacks {len(wanted)} of the outcomes that its event names": [
        f"jobs/71.json lacks 72 of the outcomes that its event names; {_WAY_OUT}"
    ],
    "lacks paper {paper_id}": [f"jobs/71 lacks paper x72; {_WAY_OUT}"],
    "job {self._layout.job} was last held by {record.process}": [
        "job a-71 was last held by process 72 on h73; watching for up to 74 seconds whether that still works on it"
    ],
    "{where}; watching for up to {EXPIRE_SECONDS} seconds whether that still works on it": [
        "job a-71 was last held by process 72 on h73; watching for up to 74 seconds whether that still works on it"
    ],
    # app/wiring
    " (a prompt without an id is known by its place, counted from 0)": [
        (
            "prompt 71 has the id '72', as prompt 73 has (a prompt without an id is known by its place, counted from"
            " 0); give each its own"
        )
    ],
    "{where} has the id {name}, as {first} has{known}; give each its own": [
        "x.txt line 71 has the id '72', as x.txt line 73 has; give each its own"
    ],
    " and ": [
        "the writer 'x71' is offered by a-72 and b-73; uninstall all but one of them",
    ],
    "the {first.kind} {first.name} is offered by {packages}; uninstall all but one of them": [
        "the writer 'x71' is offered by a-72 and b-73; uninstall all but one of them"
    ],
    " of the package {self.package}": [
        "the reader 'x71' of the package a-72 cannot be used: it is something of the type X73, not a function"
    ],
    "the {self.kind} {quoted(self.name)}{offered}": [
        f"the {kind} 'x71'{offered} cannot be used: it calls itself 'x73'; both names must be the same"
        for kind in ("backend", "storage", "recipe", "writer", "reader")
        for offered in ("", " of the package a-72")
    ],
    "{self} cannot be used: it is {_what(loaded)}, not a function": [
        "the reader 'x71' cannot be used: it is None, not a function"
    ],
    "{_what(made)}, which is no {wanted}: it has no {', '.join(lacking)}": [
        f"the backend 'x71' of the package a-72 cannot be used: it {verb} None, which is no {wanted}: it has no 'x74'"
        for verb in ("returned", "offers", "is")
        for wanted in ("Offer", "backend", "storage", "recipe", "output format")
    ],
    "{self} cannot be used: it {verb} {what}": [
        "the storage 'x71' cannot be used: it returned something of the type X72, which is no storage: it has no 'x73'"
    ],
    "{self} cannot be used: {described(error, hidden)}": [
        "the backend 'x71' cannot be used: ValueError: '72'",
        "the backend 'x71' cannot be used: ValueError: '72' (x.py, line 73)",
    ],
    "{told} ({PurePath(frame.filename).name}, line {frame.lineno})": [
        "the backend 'x71' cannot be used: ValueError: '72' (x.py, line 73)"
    ],
    '{self} needs another package: pip install "qwen-dataset[{self.source.extra}]"': [
        "the backend 'x71' needs another package: pip install \"qwen-dataset[s3]\""
    ],
    "{plugin} cannot be used: it calls itself {quoted(own)}; both names must be the same": [
        "the recipe 'x71' of the package a-72 cannot be used: it calls itself a list; both names must be the same"
    ],
    "it gave a {type(found).__name__}, not a Paper": [
        "x71.md could not be read by the reader 'md' of the package a-72: TypeError: it gave a X73, not a Paper"
    ],
    "{source} could not be read by {plugin}: {described(error)}": [
        "x71.md could not be read by the reader 'md' of the package a-72: TypeError: it gave a X73, not a Paper"
    ],
    "; for a folder write {quoted(f'file:{text}')}": [
        "there is no storage 'x71'; known: file, memory; for a folder write 'file:x71' (--storage)"
    ],
    "there is no {self.kind} {quoted(name)}; known: {known}{hint}": [
        f"there is no {kind} 'x71'; known: file, x72{source}"
        for source in _SOURCES
        for kind in ("backend", "storage", "recipe", "writer")
        if "returned" not in source
    ],
    "cannot be used": ["api_key cannot be used; it must be the path of a folder"],
    "is {quoted(value, *secrets)}": ["model is '71' (default); it must be the path of a folder"],
    "{self.name} {verdict}{where}{why}; it must be {self.wanted}": [
        f"model {verdict}{source}; it must be a whole number from 73 to 74"
        for source in _SOURCES
        for verdict in (
            "is '72'",
            "is a table",
            "is a list",
            "is a date or time",
            "is of the type X72",
            "cannot be used",
        )
    ],
    "{self.name} holds an API key{where}, and is shown and stored; leave the key to api_key": [
        f"model holds an API key{source}, and is shown and stored; leave the key to api_key" for source in _SOURCES
    ],
    "is an async one": [f"the function given as api_key is an async one; {_FUNCTION}"],
    "returned no key": [f"the function given as api_key returned no key; {_FUNCTION}"],
    "raised {type(error).__name__}": [f"the function given as api_key raised Error71; {_FUNCTION}"],
    "the function given as api_key {trouble}; it must be a plain function that returns the key as a text": [
        f"the function given as api_key raised Error71; {_FUNCTION}"
    ],
    "the backend {address} works in {way_of(offer)} only, and {way} is asked for (--{way}, USE_BATCH or use_batch);"
    " change one of the two": [f"the backend 'x71' works in batch only, and realtime is asked for {_SWITCHED}"],
    "there is no setting {quoted(name, *secrets)} ({found.source})": [
        "there is no setting 'modle' (qwen-dataset.toml line 71); did you mean model?"
    ],
    "{where}; did you mean {meant.variables[0] if name.startswith(PREFIX) else meant.name}?": [
        "there is no setting 'QWEN_DATASET_X71' (environment); did you mean QWEN_DATASET_MODEL?",
        "there is no setting 'QWEN_DATASET_X71' (.env line 72); did you mean QWEN_DATASET_MODEL?",
        "there is no setting 'modle' (argument); did you mean QWEN_DATASET_MODEL?",
    ],
    "{where}; known: {', '.join((setting.name for setting in SETTINGS))}": [
        "there is no setting 'x71' (qwen-dataset.toml line 72); known: api_key, base_url"
    ],
    "{where}; settings stand at the top of the file, one `name = value` a line, in no [table]": [
        (
            "there is no setting 'x71' (qwen-dataset.toml line 72); settings stand at the top of the file, one `name ="
            " value` a line, in no [table]"
        )
    ],
    "{setting} file:{redact(location)} names a computer; write file:{wanted} or file:///{wanted}": [
        "the storage file://x71 names a computer; write file:x71 or file:///x71"
    ],
    "{setting} file:{redact(location)} names the folder of a user who is not known here; write its path": [
        "the storage file:~x71/y names the folder of a user who is not known here; write its path (--storage)"
    ],
    "{setting} holds a control character; write it on one line, such as fake:?seed=7": [
        "the backend holds a control character; write it on one line, such as fake:?seed=7 (environment QWEN_DATASET_X)"
    ],
    "{setting} {quoted(scheme)} has a user:password@ in it; {_KEYS_BELONG}": [
        f"the backend 'x71' has a user:password@ in it; {_KEYS_BELONG} (--backend)"
    ],
    "{where} cannot be read: after `?` write name=value, joined by `&`": [
        "the storage 'x71' cannot be read: after `?` write name=value, joined by `&`"
    ],
    "{where} gives {quoted(name)} twice": ["the storage 'x71' gives 'x72' twice (--storage)"],
    "{where} has a parameter {quoted(name)}; {_KEYS_BELONG}": [
        f"the backend 'x71' has a parameter 'x72'; {_KEYS_BELONG} (--backend)"
    ],
    "{name.lower()} cannot stand in it": [
        f"extra_body is a table{source}: messages71 cannot stand in it; it must be a whole number from 73 to 74"
        for source in _SOURCES
        if "returned" not in source
    ],
    "that is no JSON schema": ["response_format is a table: that is no JSON schema; it must be realtime or no"],
    "; the backend {address} has to do without": ["none is set; the backend 'x71' has to do without"],
    "none is set{without}": ["none is set"],
    "realtime calls to Bailian": [
        'not installed; only realtime calls to Bailian need it: pip install "qwen-dataset[dashscope]"'
    ],
    "storages at s3: addresses": [
        'not installed; only storages at s3: addresses need it: pip install "qwen-dataset[s3]"'
    ],
    "not installed; only {_USED_FOR[package]} need it: {install}": [
        'not installed; only storages at s3: addresses need it: pip install "qwen-dataset[s3]"'
    ],
    "not installed; nothing can be asked without it: {install}": [
        'not installed; nothing can be asked without it: pip install "qwen-dataset"'
    ],
    # adapters
    "the certificate of {_where(settings)} is not trusted; {mend}": [
        "the certificate of http://h71 is not trusted; name the one to trust: ca=path.pem"
    ],
    " and lists {len(listed)} models": [
        "h71:80 answers and lists 72 models",
    ],
    ", but not in the form of the OpenAI protocol: look at base_url": [
        "h71:80 answers, but not in the form of the OpenAI protocol: look at base_url",
    ],
    "{options.destination} answers{_listed(reply.content)}": [
        "h71:80 answers",
        "h71.com (Bailian, cn-72) answers and lists 73 models",
    ],
    " the server": [
        "no answer came from the server (Error71)",
    ],
    "; for a certificate authority of your own give ca=FILE": [
        "no connection to h71:80 (Error72); for a certificate authority of your own give ca=FILE",
    ],
    "no answer came from{host} ({why})": [
        "no answer came from h71:80 (Error72)",
    ],
    "no connection to{host} ({why})": [
        "no connection to h71:80 (Error72)",
        "no connection to the server (Error72)",
    ],
    "a batch takes one model and one thinking mode, and these requests have several: {_told(self._kind)} and {_told(kind)}; run them as separate jobs": [  # noqa: E501
        (
            "a batch takes one model and one thinking mode, and these requests have several: m71 (thinking)"
            " and m72 (thinking); run them as separate jobs"
        ),
        (
            "a batch takes one model and one thinking mode, and these requests have several: m71 (thinking)"
            " and m72 (not thinking); run them as separate jobs"
        ),
        (
            "a batch takes one model and one thinking mode, and these requests have several: m71 (not"
            " thinking) and m72 (thinking); run them as separate jobs"
        ),
        (
            "a batch takes one model and one thinking mode, and these requests have several: m71 (not"
            " thinking) and m72 (not thinking); run them as separate jobs"
        ),
    ],
    "not thinking": [
        (
            "a batch takes one model and one thinking mode, and these requests have several: m71 (thinking)"
            " and m72 (not thinking); run them as separate jobs"
        ),
    ],
    "a part of the stream is not JSON": [
        "a part of the stream is not JSON: it is empty",
        "a part of the stream is not JSON: 71",
    ],
    "the stream ended in the middle of the answer": [
        "the stream ended in the middle of the answer: 71",
    ],
    "the reply cannot be read": [
        "the reply cannot be read: 71",
    ],
    "the reply holds no answer": [
        "the reply holds no answer: it is empty",
    ],
    "the reply is not JSON": [
        "the reply is not JSON: 71",
    ],
    "{what}: it is empty": [
        "the reply is not JSON: it is empty",
    ],
    "and {len(parts) - _SHOWN_LINES} more reasons": [
        "the service refused batch batch_71: line 72: '73'; and 74 more reasons",
    ],
    "line{'s' if len(lines) > 1 else ''} {_ranges(lines)}: ": [
        "the service refused batch batch_71: line 72: '73'",
        "the service refused batch batch_71: lines 72-73: '74'",
    ],
    "batch {batch.id} {'has expired' if kind is FailureKind.EXPIRED else 'was cancelled'} before this line ran": [
        "batch batch_71 has expired before this line ran",
        "batch batch_71 was cancelled before this line ran",
    ],
    "has expired": [
        "batch batch_71 has expired before this line ran",
    ],
    "was cancelled": [
        "batch batch_71 was cancelled before this line ran",
    ],
    "did you mean {near[0]}?": [
        "openai-chat: there is no parameter 'x71'; did you mean 'rpm72'?",
    ],
    "known parameters: {', '.join(fields)}": [
        "openai-chat: there is no parameter 'x71'; known parameters: rpm72, tpm73",
    ],
    "{name}: there is no parameter {parameter}; {hint}": [
        "openai-chat: there is no parameter 'x71'; did you mean 'rpm72'?",
    ],
    "none yet": [
        "h71:80 answers and lists its batches (none yet)",
    ],
    "there are some": [
        "h71.com (Bailian, cn-72) answers and lists its batches (there are some)",
    ],
    "{where} answers and lists its batches ({'there are some' if found else 'none yet'})": [
        "h71:80 answers and lists its batches (none yet)",
    ],
    "{what}; it may have been paid for": [
        "the service does not know batch batch_71 any more; it may have been paid for",
    ],
    "the service does not know batch {batch_id} any more": [
        "the service does not know batch batch_71 any more; it may have been paid for",
    ],
    "the service has no result for this request in batch {batch.id} ({batch.status})": [
        "the service has no result for this request in batch batch_71 (completed); it may have been paid for",
    ],
    "the service refused batch {batch.id}: {told(batch.errors) or 'no reason given'}": [
        "the service refused batch batch_71: no reason given",
    ],
    "batch {batch_id} has not ended yet: it is {batch.status}": [
        "batch batch_71 has not ended yet: it is in_progress",
    ],
    "{remote_id} is not the id of a {what}": [
        "'71' is not the id of a batch",
        "'71' is not the id of a file",
    ],
    "the given value": [
        "openai-chat: ca71 must be the path of a readable PEM file with certificates; the given value is not usable",
    ],
    "{name}: {parameter} must be {metadata['wanted']}; {shown} is not usable": [
        "openai-chat: x71 must be a number of seconds, 1 or more; 'x72' is not usable",
        "openai-chat: x71 must be yes or no; 'x72' is not usable",
        "openai-chat: x71 must be list or none; 'x72' is not usable",
        "openai-chat: x71 must be auto or httpx; 'x72' is not usable",
        "openai-chat: x71 must be the id of a workspace; 'x72' is not usable",
        "openai-chat: x71 must be a path such as /v1/chat/completions; 'x72' is not usable",
        (
            "openai-chat: x71 must be http://host:port without a user or password (for those set HTTPS_PROXY);"
            " 'x72' is not usable"
        ),
        "openai-chat: x71 must be a whole number, 1 or more; 'x72' is not usable",
    ],
    "{name} is followed by parameters only, such as {name}:?timeout=600; for a server of your own set base_url": [
        (
            "openai-chat is followed by parameters only, such as openai-chat:?timeout=600; for a server of"
            " your own set base_url"
        ),
    ],
    "{where} must be the URL of an API, such as http://localhost:8000/v1": [
        "base_url must be the URL of an API, such as http://localhost:8000/v1; the one given cannot be read",
        "the backend must be the URL of an API, such as http://localhost:8000/v1; the one given cannot be read",
    ],
    "{wanted}, with nothing behind a ? or #": [
        "x71 must be the URL of an API, such as http://localhost:8000/v1, with nothing behind a ? or #",
    ],
    "{wanted}, without a user, password or key in it": [
        "x71 must be the URL of an API, such as http://localhost:8000/v1, without a user, password or key in it",
    ],
    "{wanted}, without the end {path[path.rindex('/v1') + 3:] if '/v1' in path else path}": [
        "x71 must be the URL of an API, such as http://localhost:8000/v1, without the end /chat/completions",
    ],
    "{wanted}; it needs http:// or https:// and a host": [
        "x71 must be the URL of an API, such as http://localhost:8000/v1; it needs http:// or https:// and a host",
    ],
    "{wanted}; the one given cannot be read": [
        "x71 must be the URL of an API, such as http://localhost:8000/v1; the one given cannot be read",
    ],
    "; sources differ, so it may still answer": [
        "model m71 was retired on 2025-01-72 (说 73); sources differ, so it may still answer",
    ],
    "was retired": [
        "model m71 was retired on 2025-01-72 (说 73)",
    ],
    "is to be retired": [
        "model m71 is to be retired on 2025-01-72 (说 73)",
    ],
    "model {model.name} {when} on {retired.date.isoformat()} ({_said(retired.fact)}){doubt}": [
        "model m71 is to be retired on 2027-01-72 (说 73); sources differ, so it may still answer",
    ],
    "the Batch API": [
        "model m71 is in no list of models of the Batch API in cn-72: it may be refused",
    ],
    "{what} in {region}": [
        "model m71 is in no list of models of the Batch API in cn-72: it may be refused",
        "model m71 is in no list of models of Batch Chat in cn-72: it may be refused",
    ],
    "model {model.name} is in no list of models of {what}: it may be refused": [
        "model m71 is in no list of models of the Batch API in cn-72: it may be refused",
    ],
    "model {model.name} is no longer offered by {what} ({_said(listing.fact)}): it may be refused": [
        "model m71 is no longer offered by Batch Chat in cn-72 (说 73, 2026): it may be refused",
    ],
    "sources differ on whether {what} offers model {model.name} ({_said(listing.fact)})": [
        "sources differ on whether the Batch API in cn-72 offers model m71 (说 73, 2026)",
    ],
    "{what} does not exist in {region}: use cn-beijing or ap-southeast-1, or realtime": [
        "the Batch API does not exist in eu-71: use cn-beijing or ap-southeast-1, or realtime",
    ],
    "{what} does not exist in {region}: use cn-beijing, or realtime": [
        "Batch Chat does not exist in eu-71: use cn-beijing, or realtime",
    ],
    "HTTP {status}": [
        "the service answered HTTP 71",
    ],
    "the service answered {label}": [
        "the service answered HTTP 71",
        "the service answered x71",
        "the service answered HTTP 71 x72: 对 73",
    ],
    "check the API key (DASHSCOPE_API_KEY) and that it belongs to this region, then resume": [
        (
            "the service answered HTTP 71 x72: 对 73; check the API key (DASHSCOPE_API_KEY) and that it belongs"
            " to this region, then resume"
        ),
    ],
    "settle the account in Bailian's console, then resume": [
        "the service answered HTTP 71 x72: 对 73; settle the account in Bailian's console, then resume",
    ],
    "region {region} is not one of Bailian's: use {', '.join(REGIONS)}, or give a base URL": [
        "region 'x71' is not one of Bailian's: use cn-72, eu-73, or give a base URL",
    ],
    "its certificate is not trusted: {cause.verify_message}; name your own authority's file with ca=": [
        "h71:80 cannot be reached (its certificate is not trusted: 72; name your own authority's file with ca=)",
    ],
    "{error}; a server without it is reached with --backend openai-chat": [
        (
            "base URL http://h71/v1 does not say where DashScope's own protocol is: give one that ends on /a72"
            " or /b73; a server without it is reached with --backend openai-chat"
        ),
    ],
    "the DashScope SDK that is installed does not suit; {INSTALL} --upgrade": [
        'the DashScope SDK that is installed does not suit; pip install "qwen-dataset[dashscope]" --upgrade',
    ],
    "realtime calls to Bailian need the DashScope SDK: {INSTALL}; or use --backend openai-chat": [
        (
            'realtime calls to Bailian need the DashScope SDK: pip install "qwen-dataset[dashscope]"; or use --backend'
            " openai-chat"
        ),
    ],
    "; did you mean {near[0]}?": [
        "the storage s3: has no parameter 'x71'; did you mean 'ca72'? known: ca, create",
    ],
    "the storage s3: has no parameter {name}{meant} known: {', '.join(PARAMETERS)}": [
        "the storage s3: has no parameter 'x71'; known: ca, create",
    ],
    "AWS in {settings.region}": [
        "the certificate of AWS in us-71 is not trusted; name the one to trust: ca=path.pem",
    ],
    "it answered {answer.told}": [
        "the storage s3://b71 at AWS in us-72 cannot be reached: it answered 73",
    ],
    "the storage {settings.place} at {_where(settings)} cannot be reached: {told}": [
        "the storage s3://b71 at http://h72 cannot be reached: no answer came",
    ],
    "the storage s3: {name}={text} is not usable, it must be {' or '.join(words)}": [
        "the storage s3: create=x71 is not usable, it must be advisory72 or conditional73",
    ],
    "it must be https://host, or http://host:port for a server nearby": [
        (
            "the endpoint of the storage s3: holds an '@'; it must be https://host, or http://host:port for a"
            " server nearby"
        ),
    ],
    "the endpoint of the storage s3: holds an '@'; {wanted}": [
        (
            "the endpoint of the storage s3: holds an '@'; it must be https://host, or http://host:port for a"
            " server nearby"
        ),
    ],
    "the storage s3: cannot use the endpoint {text}; {wanted}": [
        (
            "the storage s3: cannot use the endpoint 'x71'; it must be https://host, or http://host:port for a"
            " server nearby"
        ),
    ],
    " in line {mark.line + 2}": ["the front matter is ignored: it is not valid YAML ('x' in line 71)"],
    "it cannot be parsed": ["the front matter is ignored: it is not valid YAML (it cannot be parsed)"],
    'has a "text" that is empty': ['x71 line 72 has a "text" that is empty'],
    'has a "text" that is not a string': ['x71 line 72 has a "text" that is not a string'],
    "is an object without any field": ["x71 line 72 is an object without any field"],
    (
        'has no "text", nor a "full_text", "content", "body_text", "sections" or "abstract" that a paper could be read'
        " from; it has {has}"
    ): [
        (
            'x71 line 72 has no "text", nor a "full_text", "content", "body_text", "sections" or "abstract" that a'
            ' paper could be read from; it has "a", "b"'
        ),
    ],
    "cannot be used: it could not be written or read ({error.strerror or error})": [
        "the fake's remote file x71 cannot be used: it could not be written or read (Permission denied)"
    ],
    "the fake's remote file {self._path} {why}": [
        "the fake's remote file x71 holds something else than the fake's remote side; name another file"
    ],
    "{self._path} holds something else than the fake's remote side; name another file": [
        "the fake's remote file x71 holds something else than the fake's remote side; name another file"
    ],
    "one or more of ": ["fake: lies=71 is not usable, it must be one or more of 'a+b'; known parameters: x72"],
    "{path} could not be {done}: {reason(error)}": [
        f"x71 could not be {done}: its name is too long" for done in ("written", "read", "deleted", "listed")
    ],
}


@attrs.frozen(order=True)
class Sentence:
    """A text of the source, its names in braces; ``quoted`` are those that are shown in quotation marks."""

    template: str
    place: str = attrs.field(eq=False)
    names: tuple[str, ...] = attrs.field(eq=False, default=())
    quoted: frozenset[str] = attrs.field(eq=False, default=frozenset())

    def __str__(self) -> str:
        return self.template

    def filled(self) -> str:
        """Return the sentence with a number in place of each name."""
        text = self.template
        for number, name in enumerate(self.names, start=70):
            value = f"'{number}'" if name in self.quoted else str(number)
            text = text.replace(f"{{{name}}}", value)
        return text


def _of(node: ast.expr, place: str) -> Sentence | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return Sentence(node.value, place)
    if not isinstance(node, ast.JoinedStr):
        return None
    pieces, names, quoted = [], [], set()
    for piece in node.values:
        if isinstance(piece, ast.Constant):
            pieces.append(str(piece.value))
            continue
        assert isinstance(piece, ast.FormattedValue)
        name = ast.unparse(piece.value)
        pieces.append(f"{{{name}}}")
        names.append(name)
        if piece.conversion == ord("r") or name.startswith("quoted("):
            quoted.add(name)
    return Sentence("".join(pieces), place, tuple(dict.fromkeys(names)), frozenset(quoted))


def _left_out(tree: ast.AST) -> set[ast.AST]:
    """Return docstrings, helps, and the pieces of what is collected as a whole."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            found |= {piece for piece in node.values if isinstance(piece, ast.Constant)}
            found |= {p.format_spec for p in node.values if isinstance(p, ast.FormattedValue) and p.format_spec}
        elif isinstance(node, ast.keyword) and node.arg in ("help", "short_help"):
            found |= set(ast.walk(node.value))
    return found


def _spoken(tree: ast.AST) -> set[ast.AST]:
    """Return what is handed to a function that speaks: there a single word is a sentence as well."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in _SPEAKERS and node.args:
                found.add(node.args[0])
    return found


_SPEAKERS = frozenset({"tr", "say", "warn", "complain", "fail", "notice", "_notice", "confirm", "answered", "_update"})


def sentences_of(path: Path) -> Iterator[Sentence]:
    """Yield every text of a source file that has two words, or is spoken."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    left_out, spoken = _left_out(tree), _spoken(tree)
    for node in ast.walk(tree):
        sentence = None if node in left_out or not isinstance(node, ast.expr) else _of(node, path.name)
        if sentence is None:
            continue
        words = re.search(r"[A-Za-z]{2,}", re.sub(r"\{[^{}]*\}", "", sentence.template))
        if words and (" " in sentence.template or node in spoken):
            yield sentence


def _is_said(sentence: Sentence) -> bool:
    matching = (re.match(pattern, sentence.template, re.DOTALL) for pattern in NO_SENTENCE.values())
    return sentence.template not in INTERNAL and not any(matching)


@functools.cache
def every_sentence() -> list[Sentence]:
    """Return the sentences of the whole package, each once."""
    found: dict[str, Sentence] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if not any(name == each or name.startswith(f"{each}/") for each in NOT_SAID):
            found |= {sentence.template: sentence for sentence in sentences_of(path) if _is_said(sentence)}
    return sorted(found.values())
