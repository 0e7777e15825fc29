from tests.newsroom import *
from tests.smtpd import SmtpServer


def test_a(database_url, tmp_path):
    with SmtpServer() as server:
        room = Newsroom(tmp_path, database_url, server.port)
        room.import_stories(5)
        room.import_readers(20)
        for _ in range(2):
            done = room.run("tick", now=NINE)
            print(done)
            assert done.code == 0
        print(room.counts(), room.edition())
        print(room.run("status", now=NINE).out)
        assert 0
