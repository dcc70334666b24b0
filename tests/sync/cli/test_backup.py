"""`tieline backup` and `tieline restore`: there and back, each refusal in words, and its exit code."""

from __future__ import annotations

from tests.sync.cli.desk import NO_OBJECTIVE, Desk


def test_a_store_goes_and_comes_back(desk: Desk) -> None:
    desk.say("run")
    said = desk.say("backup", "saved.db")
    assert said.code == 0
    assert "saved.db: sqlite, schema " in said.out
    assert "Audit: " in said.out
    assert said.out.endswith("Backup: saved.db\n")
    (desk.folder / "tieline.db").unlink()
    back = desk.say("restore", "saved.db")
    assert back.code == 0
    assert "Restored from saved.db, recorded as run 2.\nNext: `tieline run --dry-run`" in back.out
    writes = desk.writes()
    assert desk.say("run").code == 0
    assert desk.writes() == writes
    assert desk.labels("PAY-2") == ["people", NO_OBJECTIVE, "align-over-budget"]
    assert "restored" in desk.say("audit", "--run", "2").out
    assert "restore" in desk.say("runs").out


def test_what_a_backup_holds_is_also_a_document(desk: Desk) -> None:
    desk.say("run")
    made = desk.say("backup", "--json").document
    assert made["file"].startswith("tieline-2")
    assert made["counts"]["label_write"] == 3
    assert desk.say("restore", made["file"], "--verify", "--json").document == made
    replaced = desk.say("restore", made["file"], "--replace", "--json").document
    assert (desk.folder / replaced["kept"]).is_file()


def test_to_verify_touches_no_store(desk: Desk) -> None:
    desk.say("run")
    desk.say("backup", "saved.db")
    (desk.folder / "tieline.db").unlink()
    said = desk.say("restore", "saved.db", "--verify")
    assert (said.code, said.out.splitlines()[-1]) == (0, "The backup is whole.")
    assert not (desk.folder / "tieline.db").exists()


def test_a_store_is_replaced_only_when_asked(desk: Desk) -> None:
    desk.say("run")
    desk.say("backup", "saved.db")
    said = desk.say("restore", "saved.db")
    assert said.code == 1
    assert said.err.startswith("There is a store already, with runs up to 1 of 20")
    assert "What stood there before: tieline.db.replaced-" in desk.say("restore", "saved.db", "--replace").out


def test_an_edited_record_is_told_and_restored_only_knowingly(desk: Desk) -> None:
    desk.say("run")
    store = desk.store()
    with store.begin() as connection:
        connection.exec_driver_sql("UPDATE audit_entry SET detail = '{}' WHERE id = 1")
    store.dispose()
    said = desk.say("backup", "saved.db")
    assert said.code == 3
    broken = "the chain is broken: entry 1 (began, run 1) was changed."
    assert f"Audit: {broken}" in said.out
    assert desk.say("restore", "saved.db", "--verify").code == 1
    (desk.folder / "tieline.db").unlink()
    refused = desk.say("restore", "saved.db")
    assert refused.code == 1
    assert refused.err.endswith("If you restore it knowingly, add --allow-broken-chain.\n")
    assert not (desk.folder / "tieline.db").exists()
    assert desk.say("restore", "saved.db", "--allow-broken-chain").code == 0


def test_a_backup_of_a_newer_version_is_refused(desk: Desk) -> None:
    desk.say("run")
    store = desk.store()
    with store.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.dispose()
    assert desk.say("backup", "saved.db").code == 0
    (desk.folder / "tieline.db").unlink()
    said = desk.say("restore", "saved.db")
    assert said.code == 1
    assert said.err.startswith("saved.db: It has schema 9999, which this version of Tieline does not know")
    assert said.err.endswith("a newer version made it. Restore it with that version.\n")


def test_without_a_store_there_is_nothing_to_save(desk: Desk) -> None:
    said = desk.say("backup")
    assert (said.code, said.err) == (2, "TIELINE_DATABASE_URL: there is no store at tieline.db yet.\n")
    assert not (desk.folder / "tieline.db").exists()
