"""SQLAlchemy and databases."""

from tests.support.failures import Failure

ORM = """
from sqlalchemy import ForeignKey, create_engine, event, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.pool import QueuePool

class Base(DeclarativeBase):
    pass

class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    orders: Mapped[list["Order"]] = relationship()

class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))

engine = create_engine("sqlite://")
"""
TABLES = f"{ORM}\nBase.metadata.create_all(engine)\n"
CASES = (
    Failure(
        "table-missing",
        """
        with Session(engine) as session:
            session.scalars(select(User)).all()
        """,
        ("`users` does not exist", "flask db upgrade"),
        2,
        ORM,
    ),
    Failure(
        "column-missing",
        """
        with engine.connect() as connection:
            connection.execute(text("SELECT phone FROM users"))
        """,
        ("`phone` does not exist", "flask db upgrade"),
        2,
        TABLES,
    ),
    Failure(
        "sql-syntax",
        """
        with engine.connect() as connection:
            connection.execute(text("SELECT id FROM users WHERE id IN (1, )"))
        """,
        ("near `)`", "parameters"),
        2,
        TABLES,
    ),
    Failure(
        "unique",
        """
        with Session(engine) as session:
            session.add_all([User(email="ada@example.com"), User(email="ada@example.com")])
            session.commit()
        """,
        ("same `users.email`", "409"),
        3,
        TABLES,
    ),
    Failure(
        "not-null",
        """
        with Session(engine) as session:
            session.add(Order())
            session.commit()
        """,
        ("`orders.user_id` must have a value",),
        3,
        TABLES,
    ),
    Failure(
        "foreign-key",
        """
        with engine.connect() as connection:
            connection.execute(text("PRAGMA foreign_keys=ON"))
            connection.execute(text("INSERT INTO orders (user_id) VALUES (7)"))
        """,
        ("refers to another row that does not exist",),
        3,
        TABLES,
    ),
    Failure(
        "argument-of-a-model",
        """
        User(mail="ada@example.com")
        """,
        ("`User` has no column `mail`",),
        1,
        TABLES,
    ),
    Failure(
        "object-detached",
        """
        with Session(engine) as session:
            user = User(email="ada@example.com")
            session.add(user)
            session.commit()
        orders = user.orders
        """,
        ("`User` is read after its session was closed", "selectinload"),
        5,
        TABLES,
    ),
    Failure(
        "session-broken",
        """
        with Session(engine) as session:
            session.add(Order())
            try:
                session.flush()
            except Exception:
                pass
            session.scalars(select(User)).all()
        """,
        ("without a rollback",),
        7,
        TABLES,
    ),
    Failure(
        "no-row",
        """
        with Session(engine) as session:
            session.scalars(select(User).where(User.id == 7)).one()
        """,
        ("found none", "one_or_none", "404"),
        2,
        TABLES,
    ),
    Failure(
        "many-rows",
        """
        with Session(engine) as session:
            session.add_all([User(email="a"), User(email="b")])
            session.commit()
            session.scalars(select(User)).one()
        """,
        ("found several", "unique constraint"),
        4,
        TABLES,
    ),
    Failure(
        "statement-not-built",
        """
        from sqlalchemy import DateTime, insert, table, column

        log = table("log", column("at", DateTime))
        with engine.connect() as connection:
            connection.execute(insert(log).values(at="today"))
        """,
        ("SQLite DateTime type only accepts Python datetime",),
        5,
        TABLES,
    ),
    Failure(
        "pool-exhausted",
        """
        pooled = create_engine(
            "sqlite://", poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.01
        )
        kept = pooled.connect()
        try:
            pooled.connect()
        finally:
            kept.close()
            pooled.dispose()
        """,
        ("pool (1 + 0 overflow)", "0.01 s"),
        6,
        ORM,
    ),
    Failure(
        "sqlite-file",
        """
        engine = create_engine("sqlite:////nowhere/app.db")
        engine.connect()
        """,
        ("unable to open database file", "four slashes"),
        2,
        ORM,
    ),
    Failure(
        "sqlite-malformed",
        """
        import sqlite3, tempfile
        from contextlib import closing

        with tempfile.NamedTemporaryFile() as file:
            file.write(b"PK" + 4_000 * b"x")
            file.flush()
            with closing(sqlite3.connect(file.name)) as connection:
                connection.execute("SELECT 1 FROM orders")
        """,
        ("file is not a database", "backup"),
        8,
    ),
    Failure(
        "sqlite-other-thread",
        """
        import sqlite3
        from concurrent.futures import ThreadPoolExecutor

        connection = sqlite3.connect(":memory:")

        def ask():
            return connection.execute("SELECT 1")

        try:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(ask).result()
        finally:
            connection.close()
        """,
        ("a different thread", "flask.g"),
        7,
    ),
    Failure(
        "sqlite-locked",
        """
        import sqlite3

        name = "file:locked?mode=memory&cache=shared"
        one, other = (sqlite3.connect(name, uri=True, timeout=0) for _ in range(2))
        try:
            one.execute("BEGIN IMMEDIATE")
            other.execute("BEGIN IMMEDIATE")
        finally:
            one.close()
            other.close()
        """,
        ("SQLite is locked", "journal_mode=WAL", "shop/views.py:7"),
        7,
    ),
)
