"""Recurring runs: their schedule, their names, and which runs they replace."""


def test_a_recurring_run_has_a_schedule_with_seconds(submit, api, package):
    status, out, err = submit(
        package, "--host", api.url, "--cron", "30 2 * * mon-fri", "--param", "epochs=5"
    )
    assert (status, err) == (0, "")
    (run,) = api.recurring_runs
    assert run["trigger"]["cron_schedule"]["cron"] == "0 30 2 * * mon-fri"
    assert run["display_name"] == "radio-signals"
    assert run["max_concurrency"] == 1
    assert run["no_catchup"] is True
    assert run["mode"] == "ENABLE"
    assert run["runtime_config"]["parameters"] == {"epochs": 5}
    version = api.versions[0]["pipeline_version_id"]
    assert run["pipeline_version_reference"]["pipeline_version_id"] == version
    assert f"{api.url}/#/recurringrun/details/{run['recurring_run_id']}\n" in out
    assert api.runs == []


def test_a_second_recurring_run_of_a_name_is_refused_unless_it_replaces_the_first(
    submit, api, package
):
    nightly = (package, "--host", api.url, "--cron", "0 2 * * *")
    assert submit(*nightly, "--max-concurrency", 3)[0] == 0
    (first,) = api.recurring_runs
    assert first["max_concurrency"] == 3
    status, _, err = submit(*nightly)
    assert status == 2
    assert 'There is a recurring run called "radio-signals" already' in err
    assert api.recurring_runs == [first]
    status, out, _ = submit(*nightly, "--replace")
    assert status == 0
    assert ", replacing the previous one" in out
    (second,) = api.recurring_runs
    assert second["recurring_run_id"] != first["recurring_run_id"]
    assert submit(*nightly, "--run-name", "other")[0] == 0
    assert len(api.recurring_runs) == 2


def test_all_recurring_runs_of_the_name_are_replaced_on_all_pages_of_the_list(submit, api, package):
    nightly = (package, "--host", api.url, "--cron", "0 2 * * *")
    assert submit(*nightly)[0] == 0
    (first,) = api.recurring_runs
    # The user interface allows several of a name.
    others = [{**first, "recurring_run_id": f"id-{number}"} for number in range(4)]
    another = {**first, "recurring_run_id": "another", "display_name": "another"}
    api.recurring_runs += [*others, another]
    assert len(api.recurring_runs) > 2 * api.page_size
    assert submit(*nightly, "--replace")[0] == 0
    assert api.recurring_runs[0] == another
    assert [run["display_name"] for run in api.recurring_runs[1:]] == ["radio-signals"]
